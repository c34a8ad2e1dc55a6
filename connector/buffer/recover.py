"""Recovers a damaged buffer: what can be read of it moves to a new file; the old one is kept.

SQLite finds a row by its position, so a damaged page costs the rows on it, or below it in the
tree, and no others. Each body is judged again: one that is not what was received any more goes
to the quarantine.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from connector.buffer.rows import count, insert
from connector.buffer.sqlite_file import SqliteFile, open_to_read, refuse_foreign
from connector.delivery import Delivery, NotAnEvent, judge, refused
from connector.errors import BufferUnavailable

ROWS_AT_ONCE = 500
FILES = ("", "-wal", "-shm")


class _Row(NamedTuple):
    position: int
    event_id: str
    received_at: int
    webhook: str
    call_id: str | None
    type: str | None
    body: bytes | None
    body_hash: bytes | None
    duplicate_of: str | None
    reason: str | None
    detail: str | None
    settled: int


_SELECT = f"select {', '.join(_Row._fields)} from deliveries"  # noqa: S608 # our own column names


@dataclass(slots=True)
class Recovered:
    """What was recovered, in deliveries, and where the damaged file is now."""

    set_aside: Path
    copied: int = 0
    changed: int = 0
    """Of them, those whose body is not what was received: they are in the quarantine."""
    unreadable: int = 0
    """Positions that could not be read; some may have been discarded before."""


def recover(path: Path, stamp: str) -> Recovered:
    """Sets the buffer at `path` aside and puts what can be read of it in its place.

    A receiver that runs answers 503 for the moment of the change, and goes on with the new
    file. `stamp` names the file that is set aside. Raises `BufferRefused`, `BufferUnavailable`.
    """
    refuse_foreign(path)
    new = path.with_name(f"{path.name}.recovering")
    result = Recovered(path.with_name(f"{path.name}.damaged-{stamp}"))
    for suffix in FILES:  # of a recovery that was killed
        Path(f"{new}{suffix}").unlink(missing_ok=True)
    last = _copy(path, new, result)
    for suffix in FILES:
        if Path(f"{path}{suffix}").exists():
            Path(f"{path}{suffix}").rename(f"{result.set_aside}{suffix}")
    try:
        path.hardlink_to(new)  # unlike a rename, it fails where a receiver has made one just now
    except FileExistsError:
        raise BufferUnavailable(
            f"A receiver has made a new buffer at {path} meanwhile. Nothing is lost: run "
            f"`fluents-warehouse buffer recover --from {result.set_aside}`."
        ) from None
    finally:
        new.unlink()
    # what a receiver stored in the damaged file while it was copied
    late = Recovered(result.set_aside)
    _copy(result.set_aside, path, late, after=last)
    result.copied += late.copied
    result.changed += late.changed
    return result


def recover_from(source: Path, path: Path) -> Recovered:
    """Adds what can be read of a file that was set aside to the buffer at `path`.

    Deliveries that are there already are left out, so that it can be done again.
    """
    refuse_foreign(source)
    result = Recovered(source)
    _copy(source, path, result)
    return result


def _copy(source: Path, target: Path, result: Recovered, after: int = 0) -> int:
    """Copies the rows behind a position; returns the last position that was read."""
    last = after
    with closing(open_to_read(source)) as connection, closing(SqliteFile(target)) as file:
        # without it, SQLite refuses a file that was cut short as a whole
        connection.execute("pragma writable_schema = on")
        confirmed = _confirmed_id(connection)
        with file.reading() as reader:
            there = {
                (event_id, bool(is_refused))
                for event_id, is_refused in reader.execute(
                    "select event_id, reason is not null from deliveries"
                )
            }
        rows = _readable(connection, after, source.stat().st_size, result)
        while group := list(islice(rows, ROWS_AT_ONCE)):
            last = group[-1].position
            with file.writing() as writer:
                for row in group:
                    if (row.event_id, row.reason is not None) not in there:
                        result.changed += _restore(writer, row, confirmed)
                        result.copied += 1
    return last


def _confirmed_id(connection: sqlite3.Connection) -> str:
    """The id up to which the warehouse holds everything; empty where that cannot be read."""
    try:
        row = connection.execute(
            "select event_id from deliveries"
            " where position <= (select confirmed_position from buffer)"
            " order by position desc limit 1"
        ).fetchone()
    except sqlite3.DatabaseError:
        return ""
    return str(row[0]) if row else ""


def _readable(
    connection: sqlite3.Connection, after: int, size: int, result: Recovered
) -> Iterator[_Row]:
    position = after
    # a row takes more than 50 bytes, and positions of discarded ones come before the first
    end = None
    while end is None or position < end:
        try:
            for values in connection.execute(
                f"{_SELECT} where position > ? order by position", (position,)
            ):
                position = values[0]
                row = _Row(*values)
                if _is_whole(row):
                    yield row
                else:
                    result.unreadable += 1
        except sqlite3.DatabaseError:
            if end is None:
                end = _last_position(connection) or position + size // 50
            position += 1
            result.unreadable += 1
        else:
            return


def _last_position(connection: sqlite3.Connection) -> int:
    try:
        (last,) = connection.execute(
            "select seq from sqlite_sequence where name = 'deliveries'"
        ).fetchone()
    except (sqlite3.DatabaseError, TypeError):
        return 0
    return int(last)


def _is_whole(row: _Row) -> bool:
    return (
        isinstance(row.event_id, str)
        and isinstance(row.received_at, int)
        and isinstance(row.webhook, str)
        and isinstance(row.body, bytes | None)
        and (row.body is not None or row.reason is not None)
    )


def _restore(connection: sqlite3.Connection, row: _Row, confirmed: str) -> bool:
    """Inserts a row as it was; says whether its body had changed."""
    delivery = Delivery(
        row.event_id,
        row.received_at,
        row.webhook,
        row.body,
        row.call_id,
        row.type,
        row.body_hash,
        row.reason,
        row.detail,
    )
    has_changed = row.reason is None and not is_as_received(delivery)
    if has_changed:
        delivery = refused(
            row.body or b"",
            NotAnEvent("damaged", "The buffer's file was damaged: the body has changed."),
            webhook=row.webhook,
            received_at=row.received_at,
            event_id=row.event_id,
        )
    # The first of equal deliveries may be unreadable. If the warehouse holds it, the mark stays;
    # otherwise the first of those that are left takes its place.
    is_held = row.duplicate_of is not None and row.duplicate_of <= confirmed
    was_refused = connection.execute(
        "select 1 from deliveries where event_id = ? and reason is not null", (row.event_id,)
    ).fetchone()
    receipt = insert(
        connection,
        delivery,
        duplicate_of=row.duplicate_of if is_held and not has_changed else None,
        settled=bool(row.settled),
    )
    is_refused = delivery.reason is not None
    count(
        connection,
        received=was_refused is None,
        duplicates=receipt.duplicate_of is not None,
        quarantined=is_refused - (was_refused is not None),
    )
    return has_changed


def is_as_received(delivery: Delivery) -> bool:
    """Whether an event's body says still what the judge found when it was received."""
    judged = judge(
        delivery.body or b"",
        webhook=delivery.webhook,
        received_at=delivery.received_at,
        event_id=delivery.event_id,
    )
    return (judged.call_id, judged.type, judged.body_hash) == (
        delivery.call_id,
        delivery.type,
        delivery.body_hash,
    )
