"""Runs the real command line with one thing changed in its own process.

    python -m tests.attacks.faults.launcher --kill "after extract" 1 -- load --every 200ms
    python -m tests.attacks.faults.launcher --clock -7200 -- serve
    python -m tests.attacks.faults.launcher --broken "early acknowledgement" -- serve

The product has no hooks for this: a wrapper around one function kills the process with
SIGKILL, or a function is replaced by a wrong one. A function that is no longer there is an
error, so that a placed kill never turns into no kill.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from tests.attacks.faults.broken import BROKEN, CLIENT, wrap

LINK = "link"  # to a new snapshot, until it is renamed to the published path


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


class _Step:
    """Wrappers that kill at the `nth` time that a step is reached."""

    def __init__(self, nth: int) -> None:
        self._left = nth
        self._lock = threading.Lock()

    def is_now(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left == 0

    def before(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def killed(*arguments: Any, **options: Any) -> Any:
            if self.is_now():
                die()
            return real(*arguments, **options)

        return killed

    def after(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def killed(*arguments: Any, **options: Any) -> Any:
            result = real(*arguments, **options)
            if self.is_now():
                die()
            return result

        return killed

    def within(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def killed(*arguments: Any, **options: Any) -> Any:
            if self.is_now():
                # a few milliseconds later this thread is somewhere within, or done
                threading.Timer(int.from_bytes(os.urandom(1)) / 256 * 0.008, die).start()
            return real(*arguments, **options)

        return killed

    def before_rename(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def killed(path: Path, target: Any) -> Any:
            if path.name == LINK and self.is_now():
                die()
            return real(path, target)

        return killed


_PIPELINE = "dlt.pipeline.pipeline:Pipeline"
_WAREHOUSE = "fluents_pipelines.warehouse.duckdb_file"
_PACKAGES = "dlt.common.storages.load_storage:LoadStorage"

STEPS: dict[str, tuple[str, str, Callable[[_Step], Callable[[Any], Any]]]] = {
    "while normalizing": ("fluents_pipelines.normalize:Normalizer", "tables", lambda s: s.after),
    "after extract": (_PIPELINE, "extract", lambda s: s.after),
    "after normalize": (_PIPELINE, "normalize", lambda s: s.after),
    "before complete package": ("dlt.load.load:Load", "complete_package", lambda s: s.before),
    "while a table is added": (CLIENT, "_add", lambda s: s.within),
    "after a table is added": (CLIENT, "_add", lambda s: s.after),
    "before the models": ("fluents_pipelines.models.incremental", "follow", lambda s: s.before),
    "within the models": ("fluents_pipelines.models.incremental", "_replace", lambda s: s.after),
    "within the commit": (f"{_WAREHOUSE}.publish:Publisher", "mark_changed", lambda s: s.within),
    "after the commit": (CLIENT, "complete_load", lambda s: s.after),
    "before archiving the package": (_PACKAGES, "complete_load_package", lambda s: s.before),
    "before confirm": (
        f"{_WAREHOUSE}.warehouse:DuckDbWarehouse",
        "missing",
        lambda s: s.after,
    ),
    "within publish's copy": (
        f"{_WAREHOUSE}.copying:Copier",
        "make",
        lambda s: s.within,
    ),
    "before publish's rename": ("pathlib:Path", "replace", lambda s: s.before_rename),
    "before the report": (
        "fluents_connector.loader_state:FileLoaderState",
        "write_report",
        lambda s: s.before,
    ),
}
"""Where in a load it can be killed, in the order of a load."""

TABLES = frozenset(step for step in STEPS if "table is added" in step)
"""Steps that one load reaches many times."""


def set_clock(seconds: float) -> None:
    """Moves this process's wall clock, and its children's, by some seconds."""
    real_ns, real = time.time_ns, time.time
    time.time_ns = lambda: real_ns() + int(seconds * 1e9)
    time.time = lambda: real() + seconds


def main(arguments: list[str]) -> None:
    multiprocessing.set_start_method("fork")  # so that the workers get what was changed here
    own, command = arguments[: arguments.index("--")], arguments[arguments.index("--") + 1 :]
    while own:
        match own:
            case ["--kill", step, nth, *own]:
                where, name, choose = STEPS[step]
                wrap(where, name, choose(_Step(int(nth))))
            case ["--clock", seconds, *own]:
                set_clock(float(seconds))
            case ["--broken", variant, *own]:
                BROKEN[variant][1]()
            case _:
                raise SystemExit(f"unknown: {own}")
    from fluents_warehouse.cli import main as command_line

    sys.argv = ["fluents-warehouse", *command]
    command_line()


if __name__ == "__main__":
    main(sys.argv[1:])
