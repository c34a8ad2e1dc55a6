"""Runs the real command line with one thing changed in its own process.

    python -m tests.faults.launcher --kill "after extract" 1 -- load --every 200ms
    python -m tests.faults.launcher --clock -7200 -- serve
    python -m tests.faults.launcher --broken "early acknowledgement" -- serve

The product has no hooks for this: a wrapper around one function kills the process with
SIGKILL, or a function is replaced by a wrong one. A function that is no longer there is an
error, so that a placed kill never turns into no kill.
"""

from __future__ import annotations

import dataclasses
import importlib
import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

LINK = "link"  # to a new snapshot, until it is renamed to the published path
LATE_SECONDS = 0.3  # of the broken acknowledgement


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def _wrap(where: str, name: str, wrapper: Callable[[Any], Any]) -> None:
    """Replaces `module:Class.name` or `module:name` by what `wrapper` makes of it."""
    module, _, class_ = where.partition(":")
    owner = importlib.import_module(module)
    if class_:
        owner = getattr(owner, class_)
    setattr(owner, name, wrapper(getattr(owner, name)))


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
                # a few milliseconds later this thread is somewhere in DuckDB, or done
                threading.Timer(int.from_bytes(os.urandom(1)) / 256 * 0.008, die).start()
            return real(*arguments, **options)

        return killed

    def before_rename(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def killed(path: Path, target: Any) -> Any:
            if path.name == LINK and self.is_now():
                die()
            return real(path, target)

        return killed

    def within_copy(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def killed(source: Any, copy: Any) -> None:
            if self.is_now():
                copy.write(source.read(100_000))
                copy.flush()
                die()
            real(source, copy)

        return killed


_PIPELINE = "dlt.pipeline.pipeline:Pipeline"
_CLIENT = "pipelines.destination:KeyedDuckDbClient"
_PACKAGES = "dlt.common.storages.load_storage:LoadStorage"

STEPS: dict[str, tuple[str, str, Callable[[_Step], Callable[[Any], Any]]]] = {
    "while normalizing": ("pipelines.normalize:Normalizer", "tables", lambda s: s.after),
    "after extract": (_PIPELINE, "extract", lambda s: s.after),
    "after normalize": (_PIPELINE, "normalize", lambda s: s.after),
    "before complete package": ("dlt.load.load:Load", "complete_package", lambda s: s.before),
    "while a table is added": (_CLIENT, "_add", lambda s: s.within),
    "after a table is added": (_CLIENT, "_add", lambda s: s.after),
    "before archiving the package": (_PACKAGES, "complete_load_package", lambda s: s.before),
    "before confirm": ("pipelines.warehouse:Warehouse", "missing", lambda s: s.after),
    "before the models": ("pipelines.refresh", "refresh", lambda s: s.before),
    "within the models": ("pipelines.refresh", "_remake", lambda s: s.after),
    "within publish's copy": ("pipelines.publish", "copy_file", lambda s: s.within_copy),
    "before publish's rename": ("pathlib:Path", "replace", lambda s: s.before_rename),
    "before the report": ("pipelines.reporting", "write_report", lambda s: s.before),
}
"""Where in a load it can be killed, in the order of a load."""

TABLES = frozenset(step for step in STEPS if "table is added" in step)
"""Steps that one load reaches many times."""


def set_clock(seconds: float) -> None:
    """Moves this process's wall clock, and its children's, by some seconds."""
    real_ns, real = time.time_ns, time.time
    time.time_ns = lambda: real_ns() + int(seconds * 1e9)
    time.time = lambda: real() + seconds


def acknowledge_before_the_commit() -> None:
    """The buffer answers at once and commits a little later: what Vector does."""
    from connector.buffer import Receipt, SqliteBuffer

    real = SqliteBuffer.append_all
    late: queue.SimpleQueue[Any] = queue.SimpleQueue()
    started: list[int] = []

    def commit_late() -> None:
        while True:
            time.sleep(LATE_SECONDS)
            for _ in range(late.qsize()):
                real(*late.get())

    def append_all(self: SqliteBuffer, deliveries: list[Any]) -> list[Receipt]:
        if os.getpid() not in started:  # a thread does not survive the fork
            started.append(os.getpid())
            threading.Thread(target=commit_late, daemon=True).start()
        late.put((self, deliveries))
        return [Receipt(delivery.event_id, None) for delivery in deliveries]

    SqliteBuffer.append_all = append_all  # type: ignore[method-assign]


def append_and_commit_each_table() -> None:
    """dlt's `append`: a package that was not recorded comes again and is added again."""

    def without_a_key(real: Callable[..., Any]) -> Callable[..., Any]:
        def append(self: Any, table: str, file: str, key: list[str]) -> None:
            self._execute(f"insert into {table} by name from {file}")
            self._execute("commit")
            self._execute("begin transaction")

        return append

    _wrap(_CLIENT, "_insert_new", without_a_key)


def no_duplicate_recognised() -> None:
    """Every delivery is taken for one that may be real beside an equal one."""

    def without_hash(real: Callable[..., Any]) -> Callable[..., Any]:
        def judge(*arguments: Any, **options: Any) -> Any:
            return dataclasses.replace(real(*arguments, **options), body_hash=None)

        return judge

    _wrap("connector.delivery", "judge", without_hash)


BROKEN: dict[str, tuple[str, Callable[[], None]]] = {
    "early acknowledgement": ("serve", acknowledge_before_the_commit),
    "append": ("load", append_and_commit_each_table),
    "no duplicates": ("serve", no_duplicate_recognised),
}
"""Wrong variants by name, with the command that they change. Tests of the judge use them."""


def main(arguments: list[str]) -> None:
    multiprocessing.set_start_method("fork")  # so that the workers get what was changed here
    own, command = arguments[: arguments.index("--")], arguments[arguments.index("--") + 1 :]
    while own:
        match own:
            case ["--kill", step, nth, *own]:
                where, name, choose = STEPS[step]
                _wrap(where, name, choose(_Step(int(nth))))
            case ["--clock", seconds, *own]:
                set_clock(float(seconds))
            case ["--broken", variant, *own]:
                BROKEN[variant][1]()
            case _:
                raise SystemExit(f"unknown: {own}")
    from connector.cli import main as command_line

    sys.argv = ["fluents-warehouse", *command]
    command_line()


if __name__ == "__main__":
    main(sys.argv[1:])
