"""What goes on beside receiver and loader: other commands, somebody's lock, a full disk.

None of it is an excuse: nothing acknowledged is lost, no command ends with a stack trace, and all
is well again when it is over.
"""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from random import Random

from fluents_connector.buffer.sqlite.file import BUSY_SECONDS
from fluents_connector.errors import FluentsError
from fluents_connector.locking import only_one
from tests.attacks.disk import FULL
from tests.attacks.faults.killing import children_of, kill_all
from tests.attacks.faults.system import System
from tests.processes import free_port

KILLED_SHARE = 0.4
COMMAND_SECONDS = 240.0  # a shared machine under load, not a claim about speed
STATUSES = (0, 1, 3)  # of a command that could not do its work just then, but said so

COMMANDS = {
    "second load": ("load",),
    "replay": ("replay",),
    "buffer check": ("buffer", "check"),
    "buffer backup": ("buffer", "backup", "beside.sqlite", "--overwrite"),
    "second run": ("run", "--every", "300ms"),
}
FULL_DISK, LOCK_HELD = "full disk", "lock held"
TROUBLES = (*COMMANDS, FULL_DISK, LOCK_HELD)

Wait = Callable[[float], object]


def trouble(system: System, kind: str, rng: Random, wait: Wait) -> None:
    """One trouble to its end."""
    with system.beside_lock:
        if kind == FULL_DISK:
            with system.hindered(), system.disk.fails(FULL):
                wait(rng.uniform(0.5, 4))
            system.notes[kind] += 1
        elif kind == LOCK_HELD:
            _hold_lock(system, rng.uniform(1.1, 1.5) * BUSY_SECONDS, wait)
            system.notes[kind] += 1
        else:
            _command(system, kind, rng, wait)


def another_load(system: System, rng: Random, wait: Wait) -> None:
    """Another load has the warehouse when the loader starts: it waits, and takes over."""
    taken = FluentsError("taken")
    with system.loader_lock:
        system.kill_loader("loader, at random")
        while True:
            try:
                with only_one(system.data_dir / "load.lock", taken):
                    system.start_loader()
                    system.wait_until_loader_waits()
                    wait(rng.uniform(0, 3))
                    system.check_loader()
                    break
            except FluentsError:  # a command beside has it
                wait(0.05)
        system.notes["another load"] += 1


def _hold_lock(system: System, seconds: float, wait: Wait) -> None:
    """SQLite's write lock, for so long that receivers and loader give up waiting."""
    with (
        system.hindered(),
        closing(sqlite3.connect(system.buffer, timeout=60, isolation_level=None)) as connection,
    ):
        connection.execute("begin immediate")
        wait(seconds)
        connection.execute("rollback")


def _command(system: System, kind: str, rng: Random, wait: Wait) -> None:
    is_run = kind == "second run"
    port = {"FLUENTS_PORT": str(free_port())} if is_run else {}
    process = system.start("beside", [], *COMMANDS[kind], env=port)
    is_killed = rng.random() < KILLED_SHARE
    try:
        if is_run and not is_killed:
            _wait_until_it_runs(process)
        if is_run or is_killed:
            wait(rng.uniform(2, 6) if is_run else rng.uniform(0.3, 3))
        if process.poll() is None and is_killed:
            kill_all(process)
            system.kills[f"beside, {kind}"] += 1
            return
        if process.poll() is None and is_run:
            process.terminate()
        status = process.wait(COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        system.complaints.append(f"{kind} never ended")
        kill_all(process)
        return
    system.notes[f"{kind}" if status == 0 else f"{kind}, status {status}"] += 1
    if status not in STATUSES or (is_run and status):
        system.complaints.append(f"{kind} ended with {status}: {system.log('beside')[-1000:]}")


def _wait_until_it_runs(process: subprocess.Popen[bytes]) -> None:
    """Before a `run` has its children it has begun nothing, and SIGTERM ends it as any process."""
    deadline = time.monotonic() + COMMAND_SECONDS
    while process.poll() is None and not children_of(process.pid):
        if time.monotonic() > deadline:
            raise subprocess.TimeoutExpired(process.args, COMMAND_SECONDS)
        time.sleep(0.05)
