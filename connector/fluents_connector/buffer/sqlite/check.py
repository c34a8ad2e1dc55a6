"""Looks a buffer over: is the file whole, is nothing missing, do the counters say the same?

It only reads, so receivers and the loader may go on meanwhile. Each statement is a transaction
of its own, as one that reads for long keeps a receiver that starts from storing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

from fluents_connector.buffer.sqlite.file import as_unavailable, open_to_read, refuse_foreign
from fluents_connector.buffer.sqlite.recover import unfinished
from fluents_connector.buffer.sqlite.schema import as_columns
from fluents_connector.buffer.store import Confirmed, Finding
from fluents_connector.delivery import Delivery, is_as_received

IDS_AT_ONCE = 25_000
BODIES_AT_ONCE = 1_000
SHOWN = 3  # ids that a finding names
RECOVER = "Run `fluents-warehouse buffer recover`: it keeps the file and saves what can be read."
ASK = "Please report it with the output of `fluents-warehouse status --json`."


Check = Callable[[sqlite3.Connection], Finding]


def check_buffer(path: Path) -> Iterator[Finding]:
    """Each finding as it is made. Raises `BufferRefused`, `BufferUnavailable`."""
    refuse_foreign(path)
    if unfinished(path):
        yield Finding("recovery", False, "It was begun and not finished.", RECOVER)
    with closing(open_to_read(path)) as connection:
        for subject, check in CHECKS.items():
            try:
                yield check(connection)
            except sqlite3.DatabaseError as error:
                yield Finding(subject, False, f"It cannot be read: {error}.", RECOVER)


def _file(connection: sqlite3.Connection) -> Finding:
    found = [row[0] for row in connection.execute("pragma integrity_check(3)")]
    if found != ["ok"]:
        return Finding("file", False, f"SQLite finds damage: {'; '.join(found)}.", RECOVER)
    return Finding("file", True, "SQLite finds no damage.")


def _bodies(connection: sqlite3.Connection) -> Finding:
    changed = list(changed_bodies(connection))
    if changed:
        named = _named(changed)
        return Finding("bodies", False, f"Bodies that have changed: {named}.", RECOVER)
    return Finding("bodies", True, "All bodies are what was received.")


def changed_bodies(connection: sqlite3.Connection) -> Iterator[str]:
    """The ids of events whose body says no longer what it said when it was received."""
    position = 0
    columns = as_columns(connection, ("position", *(field.name for field in fields(Delivery))))
    while True:
        rows = connection.execute(
            f"select {columns} from deliveries"  # noqa: S608 # our own column names
            " where position > ? and reason is null order by position limit ?",
            (position, BODIES_AT_ONCE),
        ).fetchall()
        if not rows:
            return
        position = rows[-1][0]
        for _, *values in rows:
            if not is_as_received(Delivery(*values)):
                yield values[0]


def _positions(connection: sqlite3.Connection) -> Finding:
    is_counted = any(
        row[1] == "pending_rows" for row in connection.execute("pragma table_info(buffer)")
    )
    confirmed, last, counted, pending = _row(
        connection,
        "select confirmed_position,"  # noqa: S608 # our own column names
        " coalesce((select seq from sqlite_sequence where name = 'deliveries'), 0),"
        f" {'pending_rows' if is_counted else 'null'},"
        " (select count(*) from deliveries where position > confirmed_position) from buffer",
    )
    if confirmed > last:
        detail = f"The warehouse is said to hold {confirmed:,} deliveries of {last:,}."
        return Finding("positions", False, detail, RECOVER)
    # By what was counted, not by positions: a restored buffer waits from its first position on, and
    # lacks what was deleted after it was loaded.
    expected = last - confirmed if counted is None else min(counted, last - confirmed)
    if (missing := expected - pending) > 0:
        return Finding(
            "positions",
            False,
            f"{missing:,} of the {expected:,} deliveries that wait for a load are gone.",
            "Bring back a backup of the file if there is one; otherwise run "
            "`fluents-warehouse buffer recover`, which keeps what is there.",
        )
    return Finding(
        "positions",
        True,
        f"All {pending:,} deliveries that wait for a load are there, up to {last:,}.",
    )


def _identity(connection: sqlite3.Connection) -> Finding:
    twice = [
        row[0]
        for row in connection.execute(
            "select event_id from deliveries group by event_id, reason is null having count(*) > 1"
        )
    ]
    if twice:
        return Finding("identity", False, f"Ids given twice: {_named(twice)}.", ASK)
    return Finding("identity", True, "Each id is given once.")


def _duplicates(connection: sqlite3.Connection) -> Finding:
    (wrong,) = connection.execute(
        "select count(*) from deliveries as later"
        " join deliveries as first on first.event_id = later.duplicate_of"
        " where first.reason is null and first.body_hash is not later.body_hash"
    ).fetchone()
    if wrong:
        detail = f"Duplicates that differ from their first: {wrong:,}."
        return Finding("duplicates", False, detail, RECOVER)
    return Finding("duplicates", True, "Each equals the first of its kind, if that is kept.")


def _counters(connection: sqlite3.Connection) -> Finding:
    # one statement, so that both are of the same moment
    received, duplicates, quarantined, last, rows, marked, refused, retried = _row(
        connection,
        "select received, duplicates, quarantined,"
        " coalesce((select seq from sqlite_sequence where name = 'deliveries'), 0), kept.*"
        " from buffer, (select count(*), count(duplicate_of), count(reason), (select count(*)"
        " from deliveries as refusal join deliveries as event using (event_id)"
        " where refusal.reason is not null and event.reason is null) from deliveries) as kept",
    )
    counted = (received, duplicates, quarantined)
    there = (rows - retried, marked, refused - retried)
    # what was discarded is counted still, and is no row any more
    is_right = (
        counted == there
        if rows == last
        else all(counter >= kept for counter, kept in zip(counted, there, strict=True))
    )
    detail = (
        f"received {received:,}, duplicates {duplicates:,}, quarantined {quarantined:,}; "
        f"the rows kept: {there[0]:,}, {there[1]:,}, {there[2]:,}."
    )
    return Finding("counters", is_right, f"Counted are {detail}", "" if is_right else RECOVER)


def confirmed(path: Path) -> Confirmed:
    """The id of the buffer, and the position up to which the warehouse holds everything.

    Raises `BufferUnavailable`, as `ids_up_to` does.
    """
    with closing(open_to_read(path)) as connection, as_unavailable(path):
        return Confirmed(*_row(connection, "select buffer_id, confirmed_position from buffer"))


def ids_up_to(path: Path, position: int) -> Iterator[list[str]]:
    """The ids of the deliveries that are kept up to a position, in groups."""
    with closing(open_to_read(path)) as connection, as_unavailable(path):
        rows = connection.execute(
            "select event_id from deliveries where position <= ? order by position", (position,)
        )
        while group := rows.fetchmany(IDS_AT_ONCE):
            yield [event_id for (event_id,) in group]


def _row(connection: sqlite3.Connection, sql: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(sql).fetchone()
    if row is None:
        raise sqlite3.DatabaseError("the table buffer has no row")
    return row


def _named(ids: list[str]) -> str:
    return ", ".join(ids[:SHOWN]) + (", …" if len(ids) > SHOWN else "")


CHECKS: dict[str, Check] = {
    "file": _file,
    "bodies": _bodies,
    "positions": _positions,
    "identity": _identity,
    "duplicates": _duplicates,
    "counters": _counters,
}
