"""What operators and older versions do to the files of a set-up: lost, put back, or out of date.

Each happens while nobody has the file open. Whatever it takes away is somewhere else still, so
every acknowledged event stays an obligation; only what the buffer does not remember any more may
be stored a second time, which the oracle is told.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import duckdb

from fluents_connector.buffer.sqlite.rows import delete
from fluents_pipelines.tables import CALLS, EVENTS, SCHEMA
from fluents_pipelines.warehouse.duckdb_file.files import FILE
from fluents_pipelines.warehouse.progress import position
from fluents_pipelines.warehouse.properties import NAME as PROPERTIES
from tests.attacks.faults.killing import WAIT_SECONDS, SystemFailed
from tests.attacks.faults.oracle import Oracle
from tests.attacks.faults.system import System

KEPT_ROWS = 5_000  # of published deliveries that the buffer remembers at most

OLD_COLUMNS = {
    EVENTS.name: ("redacted_count", "extra"),
    CALLS.name: ("status", "webhook", "webhook_event_id", "did_not_connect_reason", "direction"),
}
"""What an older version lacked. The judge looks at what it had: times, numbers and payloads."""

ACCOUNTS = ("received", "duplicates", "quarantined")


def older_schema(system: System, rng: Random) -> None:
    """The loader's file becomes one that an older version wrote: columns and models missing."""
    with system.loader_lock, system.beside_lock:
        system.kill_loader("loader, at random")
        with duckdb.connect(str(system.warehouse)) as connection:
            there = set(
                connection.execute(
                    "select table_name, column_name from duckdb_columns()"
                    " where schema_name = ? and not internal",
                    [SCHEMA],
                ).fetchall()
            )
            gone = [
                (table, column)
                for table, columns in OLD_COLUMNS.items()
                for column in rng.sample(columns, rng.randrange(1, len(columns) + 1))
                if (table, column) in there
            ]
            connection.execute(f"drop table if exists {SCHEMA}.{PROPERTIES}")
            connection.execute("drop schema if exists analytics cascade")
            for table, column in gone:
                connection.execute(f"alter table {SCHEMA}.{table} drop column {column}")
        system.notes["older schema"] += 1
        system.start_loader()


def older_warehouse(system: System, rng: Random, wait: Callable[[float], object]) -> None:
    """The loader's file is replaced by what it was some loads ago; the buffer keeps the rest."""
    copy = system.folder / "older.duckdb"
    with system.loader_lock:
        with system.beside_lock:
            system.kill_loader("loader, at random")
            for file in _files(system.warehouse):
                shutil.copy(file, f"{copy}{file.name.removeprefix(FILE)}")
        confirmed = _confirmed(system.buffer)
        system.start_loader()
        deadline = time.monotonic() + WAIT_SECONDS
        while _confirmed(system.buffer) == confirmed and time.monotonic() < deadline:
            wait(0.05)  # so that the copy lacks something
        wait(rng.uniform(0, 2))
        with system.beside_lock:
            system.kill_loader("loader, at random")
            for file in _files(system.warehouse):
                file.unlink()
            for file in _files(copy):
                file.rename(f"{system.warehouse}{file.name.removeprefix(copy.name)}")
            system.notes["older warehouse put back"] += 1
            system.start_loader()


def lost_warehouse(system: System, oracle: Oracle, rng: Random) -> None:
    """The loader's file is gone, and of what is published the buffer keeps the newest only."""
    with system.loader_lock, system.beside_lock:
        system.kill_loader("loader, at random")
        _forget_loaded(system, oracle, rng)
        for file in _files(system.warehouse):
            file.unlink()
        system.notes["loader's file lost"] += 1
        system.start_loader()


def restored_buffer(
    system: System, oracle: Oracle, rng: Random, let_flow: Callable[[int], None]
) -> None:
    """A backup is made under traffic and later restored; the warehouse has what came between."""
    file = system.folder / "backup.sqlite"
    with system.beside_lock:
        _must(system, "buffer", "backup", str(file), "--overwrite")
    let_flow(rng.randrange(50, 500))
    with system.loader_lock, system.beside_lock:
        system.kill_loader("loader, at random")
        system.kill_receiver()
        _must(system, "load")
        before, former = system.status(), _bodies(system.buffer)
        _must(system, "buffer", "restore", str(file))
        after, kept = system.status(), _bodies(system.buffer)
        for key in ACCOUNTS:
            system.set_back[key] += before[key] - after[key]
        forgotten = former.keys() - kept.keys()
        oracle.forget(filter(None, (_identity(former[one]) for one in forgotten)))
        for aside in system.data_dir.glob("buffer.sqlite.replaced-*"):
            aside.unlink()
        file.unlink()
        system.notes["buffer restored"] += bool(forgotten)
        system.start_receiver()
        system.start_loader()


def _forget_loaded(system: System, oracle: Oracle, rng: Random) -> None:
    """As retention does: deletes what is loaded and published, but for some of the newest."""
    with closing(sqlite3.connect(system.buffer, timeout=60, isolation_level=None)) as connection:
        (buffer_id,) = connection.execute("select buffer_id from buffer").fetchone()
        up_to = min(_holds(path, buffer_id) for path in (system.warehouse, system.published))
        keep = rng.randrange(max(1, min(KEPT_ROWS, up_to)))
        connection.execute("begin immediate")
        old = "position <= ?"
        gone = connection.execute(f"select body from deliveries where {old}", (up_to - keep,))
        identities = [_identity(body) for (body,) in gone.fetchall()]
        oracle.forget(filter(None, identities))
        delete(connection, f"select position from deliveries where {old}", (up_to - keep,))
        connection.execute("commit")


def _confirmed(buffer: Path) -> int:
    with closing(sqlite3.connect(buffer, timeout=60)) as connection:
        return int(connection.execute("select confirmed_position from buffer").fetchone()[0])


def _files(warehouse: Path) -> list[Path]:
    return [path for end in ("", ".wal") if (path := Path(f"{warehouse}{end}")).exists()]


def _holds(path: Path, buffer_id: str) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        return position(connection, buffer_id)[0]


def _bodies(buffer: Path) -> dict[str, bytes]:
    with closing(sqlite3.connect(buffer, timeout=60)) as connection:
        return dict(connection.execute("select event_id, body from deliveries"))


def _identity(body: bytes) -> str:
    try:
        return str(json.loads(body)["payload"]["fault_id"])
    except (ValueError, TypeError, KeyError):
        return ""


def _must(system: System, *command: str) -> None:
    ended = system.run(*command)
    if ended.returncode:
        said = f"{ended.stdout[-300:]} {ended.stderr[-700:]}"
        raise SystemFailed(f"{' '.join(command)} ended with {ended.returncode}: {said}")
