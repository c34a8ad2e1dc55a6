"""Recovers a damaged buffer: what can be read of it moves to a new file; the old one is kept.

SQLite finds a row by its position, so a damaged page costs the rows on it, or below it in the
tree, and no others. Each body is judged again: one that is not what was received any more goes
to the quarantine.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from fluents_connector.buffer.sqlite.file import SqliteFile, open_to_read, refuse_foreign
from fluents_connector.buffer.sqlite.rows import count, insert, last_position
from fluents_connector.buffer.sqlite.schema import as_columns
from fluents_connector.buffer.store import Recovered
from fluents_connector.delivery import Delivery, NotAnEvent, is_as_received, refused

ROWS_AT_ONCE = 500
MIN_ROW_BYTES = 50  # fewer than any row has
FILES = ("", "-wal", "-shm")
_UNFINISHED, _ASIDE = ".recovering-", ".damaged-"


class _Row(NamedTuple):
    position: int
    # the fields of a Delivery
    event_id: str
    received_at: int
    webhook: str
    body: bytes | None
    call_id: str | None
    type: str | None
    body_hash: bytes | None
    reason: str | None
    detail: str | None
    redacted: int
    stored_hash: bytes | None
    # and what became of it
    duplicate_of: str | None
    settled: int


def recover(path: Path, stamp: str) -> Recovered:
    """Sets the buffer at `path` aside and puts what can be read of it in its place.

    A receiver that runs answers 503 for the moment of the change, and goes on with the new
    file. `stamp` names the file that is set aside. Raises `BufferRefused`, `BufferUnavailable`.

    The new file keeps a name of its own until the end: where it is found, a recovery was killed,
    and `finish` does the rest of it.
    """
    refuse_foreign(path)
    new = path.with_name(f"{path.name}{_UNFINISHED}{stamp}")
    aside = path.with_name(f"{path.name}{_ASIDE}{stamp}")
    result = Recovered(aside)
    _copy(path, new, result)
    # Linked before anything is taken away, the database last: so it is there only with its log.
    for suffix in reversed(FILES):
        if Path(f"{path}{suffix}").exists():
            Path(f"{aside}{suffix}").hardlink_to(f"{path}{suffix}")
    _unlink(path)
    try:
        path.hardlink_to(new)  # unlike a rename, it fails where a receiver has made one just now
    except FileExistsError:
        result.copied = result.changed = 0  # all of it is copied below
    # what a receiver stored in the damaged file while it was copied
    late = recover_from(aside, path)
    result.copied += late.copied
    result.changed += late.changed
    _unlink(new)
    return result


def unfinished(path: Path) -> list[Path]:
    """The files of recoveries of the buffer at `path` that were killed."""
    found = path.parent.glob(f"{path.name}{_UNFINISHED}*")
    return sorted(file for file in found if not file.name.endswith(FILES[1:]))


def finish(path: Path) -> Recovered | None:
    """Does the rest of a recovery that was killed; None if it had taken nothing away yet."""
    result = None
    for new in unfinished(path):
        aside = path.with_name(new.name.replace(_UNFINISHED, _ASIDE))
        if aside.exists() and not (path.exists() and aside.samefile(path)):
            if not path.exists():
                _unlink(path)  # the log of what was there, which is no log of a new file
            result = recover_from(aside, path)
        else:
            _unlink(aside)  # only a second name of what is at the path
        _unlink(new)
    return result


def _unlink(path: Path) -> None:
    for suffix in FILES:
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def recover_from(source: Path, path: Path) -> Recovered:
    """Adds what can be read of a file that was set aside to the buffer at `path`.

    Deliveries that are there already are left out, so that it can be done again.
    """
    refuse_foreign(source)
    result = Recovered(source)
    _copy(source, path, result)
    return result


def _copy(source: Path, target: Path, result: Recovered) -> None:
    """Copies the rows that are not there yet."""
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
        rows = _readable(connection, source.stat().st_size, result)
        while group := list(islice(rows, ROWS_AT_ONCE)):
            with file.writing() as writer:
                for row in group:
                    delivery = _judged_again(row)
                    if (row.event_id, delivery.reason is not None) not in there:
                        _restore(writer, row, delivery, confirmed)
                        result.changed += delivery.reason != row.reason
                        result.copied += 1


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


def _readable(connection: sqlite3.Connection, size: int, result: Recovered) -> Iterator[_Row]:
    position = 0
    end = None  # where to stop trying, once there was an error
    columns = as_columns(connection, _Row._fields)
    while end is None or position < end:
        try:
            for values in connection.execute(
                f"select {columns} from deliveries where position > ? order by position",  # noqa: S608
                (position,),
            ):
                position = values[0]
                row = _Row(*values)
                if _is_whole(row):
                    yield row
                else:
                    result.unreadable += 1
        except sqlite3.DatabaseError:
            if end is None:
                end = _last_position(connection) or position + size // MIN_ROW_BYTES
            position += 1
            result.unreadable += 1
        else:
            return


def _last_position(connection: sqlite3.Connection) -> int:
    try:
        return last_position(connection)
    except (sqlite3.DatabaseError, TypeError):
        return 0


def _is_whole(row: _Row) -> bool:
    return (
        isinstance(row.event_id, str)
        and isinstance(row.received_at, int)
        and isinstance(row.webhook, str)
        and isinstance(row.body, bytes | None)
        and (row.body is not None or row.reason is not None)
    )


def _judged_again(row: _Row) -> Delivery:
    """The delivery as it was, or one for the quarantine where its body has changed."""
    delivery = Delivery(*row[1:-2])
    if row.reason is not None or is_as_received(delivery):
        return delivery
    return refused(
        row.body or b"",
        NotAnEvent("damaged", "The buffer's file was damaged: the body has changed."),
        webhook=row.webhook,
        received_at=row.received_at,
        event_id=row.event_id,
    )


def _restore(connection: sqlite3.Connection, row: _Row, delivery: Delivery, confirmed: str) -> None:
    # The first of equal deliveries may be unreadable. If the warehouse holds it, the mark stays;
    # otherwise the first of those that are left takes its place.
    is_held = row.duplicate_of is not None and row.duplicate_of <= confirmed
    was_refused = connection.execute(
        "select 1 from deliveries where event_id = ? and reason is not null", (row.event_id,)
    ).fetchone()
    is_refused = delivery.reason is not None
    receipt = insert(
        connection,
        delivery,
        duplicate_of=row.duplicate_of if is_held and not is_refused else None,
        settled=bool(row.settled),
    )
    count(
        connection,
        [delivery],
        received=was_refused is None,
        duplicates=receipt.duplicate_of is not None,
        quarantined=is_refused - (was_refused is not None),
    )
