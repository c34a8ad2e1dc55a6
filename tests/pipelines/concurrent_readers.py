"""Programs that have the published warehouse open, each in a process of its own.

A reader is told what to do a line at a time, and answers each with a line. `SNAPSHOT` is what all
of them ask: figures of several tables, of which a load changes every one.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

from tests.processes import environment

ANSWER_SECONDS = 60.0  # a shared machine under load, not a claim about speed
SNAPSHOT = (
    "select (select count(*) from fluents.events), (select count(*) from fluents.calls),"
    " (select count(*) from fluents.errors), (select count(*) from fluents.messages),"
    " (select max(position) from fluents.events),"
    " (select sum(call_count)::bigint from analytics.calls_daily)"
)
CALLS, EACH = 2, 2  # of a load: calls, each with an error and a message


def expected(loads: int) -> list[tuple[int, ...]]:
    """What `SNAPSHOT` gives after so many loads, and nothing in between."""
    calls = CALLS * loads
    return [(EACH * calls, calls, calls, calls, EACH * calls, calls)]


_LINES = """
import sys
for line in sys.stdin:
    try:
        answer = repr(run(line.rstrip("\\n")))
    except Exception as error:
        answer = repr(f"{type(error).__name__}: {error}")
    print(answer, flush=True)
"""
_DUCKDB = """
import duckdb, sys
held = None
def run(line):
    global held
    if line == "open":
        if held is not None:
            held.close()
        held = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read-only")
    elif line == "close":
        held.close()
    else:
        return held.execute(line).fetchall()
"""
_SQLALCHEMY = """
import sqlalchemy, sys
engine = sqlalchemy.create_engine(f"duckdb:///{sys.argv[1]}", connect_args={"read_only": True})
def run(line):
    global held
    if line == "open":
        held = engine.connect()
    else:
        return [tuple(row) for row in held.execute(sqlalchemy.text(line))]
"""
_RESTLESS = """
import duckdb, sys, threading, time
def run(line):
    global reading
    if line == "open":
        stop, seen = threading.Event(), []
        def read():
            while not stop.wait(0.25):
                try:
                    with duckdb.connect(sys.argv[1], read_only=True) as held:
                        seen.append(held.execute(sys.argv[2]).fetchall())
                except Exception as error:
                    seen.append(repr(error))
        thread = threading.Thread(target=read)
        thread.start()
        reading = stop, seen, thread
    else:
        stop, seen, thread = reading
        stop.set()
        thread.join()
        return seen
"""


class Reader:
    """A process that answers lines."""

    def __init__(self, program: str, *arguments: str | Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", program + _LINES, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    def __call__(self, line: str) -> Any:
        """What the process answers; for an error, its text."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return ast.literal_eval(self._process.stdout.readline())

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Reader:
        # a reader that hangs ends the test by its missing answer
        self._watch = threading.Timer(300, self._process.kill)
        self._watch.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._watch.cancel()
        self.kill()


def duckdb_process(path: Path, mode: str = "read-only") -> Reader:
    return Reader(_DUCKDB, path, mode)


def sqlalchemy_process(path: Path) -> Reader:
    return Reader(_SQLALCHEMY, path)


def restless_process(path: Path) -> Reader:
    """Opens, asks and closes, from `open` on; `seen` gives all that it saw."""
    return Reader(_RESTLESS, path, SNAPSHOT)


class Kernel:
    """A Jupyter kernel that has the warehouse open in its variable `held`."""

    def __init__(self, manager: KernelManager, path: Path) -> None:
        self._client = manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=ANSWER_SECONDS)
        self._path = path

    def __call__(self, line: str) -> Any:
        if line == "open":
            return self._run(
                f"import duckdb; held = duckdb.connect({str(self._path)!r}, read_only=True)"
            )
        return ast.literal_eval(self._run(f"print(held.execute({line!r}).fetchall())"))

    def close(self) -> None:
        self._client.stop_channels()

    def _run(self, code: str) -> str:
        shown: list[str] = []

        def show(message: dict[str, Any]) -> None:
            content = message["content"]
            shown.append(content.get("text", "") or content.get("evalue", ""))

        self._client.execute_interactive(code, output_hook=show, timeout=ANSWER_SECONDS)
        return "".join(shown)


@contextmanager
def kernel(path: Path) -> Iterator[Kernel]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=environment())
    try:
        opened = Kernel(manager, path)
        try:
            yield opened
        finally:
            opened.close()
    finally:
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
