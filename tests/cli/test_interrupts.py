"""Ctrl-C ends each command at any time with status 130, and without a stack trace."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import warehouses
from tests.processes import environment, free_port, write_settings

pytestmark = pytest.mark.attack

# Python's own start is over, and main has begun
MAIN = """
import signal
import fluents_warehouse.__main__ as main
signal.signal(signal.SIGINT, main._leave)
print("started", flush=True)
main.main()
"""
LONG = "select sum(sin(a.range)) from range(10000000) a, range(1000) b"
RANDOM = random.SystemRandom()
FORMATS = ("csv", "json", "parquet", "table")
COMMANDS = [
    ["init"], ["load"], ["replay"], ["status"], ["models"], ["export", "out"], ["buffer", "check"],
    ["quarantine", "list"], ["send", "-"], ["sql"], ["alerts"],
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return warehouses.simulated(tmp_path_factory.mktemp("made"), 50)


def interrupted(folder: Path, seconds: float, *arguments: str) -> tuple[int, str]:
    """Exit status and what was printed of a command that gets a Ctrl-C after so long."""
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, *arguments],
        cwd=folder,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        time.sleep(seconds)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        printed, _ = process.communicate(timeout=60)
    return process.returncode, printed.decode("utf-8", "replace")


@pytest.mark.parametrize("format_", FORMATS)
def test_a_long_query_ends(made: Path, tmp_path: Path, format_: str) -> None:
    write_settings(tmp_path, warehouse_path=str(made))
    for sql in (LONG, "from range(10_000_000_000)") if format_ != "table" else (LONG,):
        output = [] if sql == LONG else ["--output", "/dev/null"]
        status, printed = interrupted(
            tmp_path, RANDOM.uniform(2, 4), "query", sql, "--format", format_, *output
        )
        assert (status, printed.strip()) == (130, "")


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_each_command_ends(made: Path, tmp_path: Path, arguments: list[str]) -> None:
    write_settings(tmp_path, warehouse_path=str(made), port=free_port(), sql_port=free_port())
    for longest in (0.2, 1, 4):
        status, printed = interrupted(tmp_path, RANDOM.uniform(0, longest), *arguments)
        while status == -signal.SIGINT and "Error: " in printed:
            # it had failed before, and the signal met Python's shutdown: that says nothing of it
            status, printed = interrupted(tmp_path, RANDOM.uniform(0, longest), *arguments)
        assert "Traceback" not in printed
        # a shell says 130 too where the signal itself ends Python, which is so while it shuts down
        assert status in (130, -signal.SIGINT, 0, 1)
        assert (status == 1) == ("Error: " in printed or "wrong" in printed)  # it was done before
