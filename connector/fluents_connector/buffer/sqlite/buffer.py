"""The embedded staging buffer: one SQLite file, shared by receiver processes and the loader.

Invariants
- A commit is on disk when it returns: see `fluents_connector.buffer.sqlite.file`.
- One transaction stores a delivery, finds out whether it repeats another, and counts it.
- One writer at a time (SQLite's own lock), so positions appear in commit order and a reader
  that has seen position 10 will never see a 9 appear later.
- A commit stores one delivery or a group: 16 that are appended together cost one sync, not 16.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from fluents_connector.buffer.limits import Limits
from fluents_connector.buffer.protocol import Batch, Counts, Durability, Receipt, StoredDelivery
from fluents_connector.buffer.sqlite.check import changed_bodies
from fluents_connector.buffer.sqlite.file import SqliteFile, as_unavailable, open_to_read
from fluents_connector.buffer.sqlite.rows import (
    SETTLED,
    confirm,
    count,
    delete,
    event_id_at,
    insert,
    insert_all,
    last_position,
    loaded_bytes,
    redacted_in,
    refused_bytes,
    settle,
    unconfirm,
    waiting,
)
from fluents_connector.buffer.sqlite.shrinking import shrink
from fluents_connector.delivery import Delivery

DISCARD_ROWS = 2_000  # a short transaction, so that receivers never wait long for the lock

_COLUMNS = ", ".join(StoredDelivery._fields)

_OLD = """
    select position from deliveries indexed by event_ages
    where reason is null and received_at < ?
    and position <= (select confirmed_position from buffer)
    union all
    select position from deliveries indexed by refused_ages
    where reason is not null and received_at < ?
    and position <= (select confirmed_position from buffer)
"""
_CONFIRMED = """
    select position from deliveries
    where reason is null and position <= (select confirmed_position from buffer)
    order by position
"""


class SqliteBuffer:
    """A `Buffer` in the SQLite file at `path`, which is made if it is not there."""

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        self.path = path
        self._limits = limits or Limits()
        self._file = SqliteFile(path)

    @property
    def buffer_id(self) -> str:
        """A UUID given when this buffer was made."""
        with self._file.reading() as connection:
            row = connection.execute("select buffer_id from buffer").fetchone()
        return str(row[0])

    def append(self, delivery: Delivery) -> Receipt:
        """Stores `delivery` durably, with a commit of its own."""
        return self.append_all([delivery])[0]

    def append_all(self, deliveries: Iterable[Delivery]) -> list[Receipt]:
        """Stores `deliveries` durably with one commit: all or none.

        It asks for them when no other process commits any more: so many may have come meanwhile.
        """
        with self._file.writing() as connection:
            self._refuse_if_full(connection)
            deliveries = list(deliveries)
            if any(delivery.reason is not None for delivery in deliveries):
                deliveries = self._limits.as_kept(deliveries, refused_bytes(connection))
            receipts = insert_all(connection, deliveries)
            count(
                connection,
                deliveries,
                received=len(deliveries),
                duplicates=sum(receipt.duplicate_of is not None for receipt in receipts),
                quarantined=sum(delivery.reason is not None for delivery in deliveries),
            )
        return receipts

    def check(self) -> None:
        """Commits a small change, so that a full or read-only disk shows."""
        with self._file.writing() as connection:
            self._refuse_if_full(connection)
            connection.execute("update buffer set checked = checked + 1")

    def read(self, after: int, up_to: int, *, max_rows: int, max_bytes: int) -> Batch:
        """The deliveries after `after`, until `up_to` or a limit is reached."""
        rows: list[StoredDelivery] = []
        size = 0
        buffer_id = self.buffer_id
        with self._file.reading() as connection:
            before = event_id_at(connection, after)
            cursor = connection.execute(
                f"select {_COLUMNS} from deliveries"  # noqa: S608 # our own column names
                " where position > ? and position <= ? order by position limit ?",
                (after, up_to, max_rows),
            )
            for row in map(StoredDelivery._make, cursor):
                size += len(row.body or b"")
                if rows and size > max_bytes:
                    break
                rows.append(row)
            cursor.close()
        complete = len(rows) < max_rows and size <= max_bytes
        return Batch(buffer_id, after, up_to if complete else rows[-1].position, rows, before)

    def last_position(self) -> int:
        """The position of the newest delivery that was ever stored; 0 before the first."""
        with self._file.reading() as connection:
            return last_position(connection)

    def event_id_at(self, position: int) -> str | None:
        """The id of the delivery at a position; None where there is none (any more)."""
        with self._file.reading() as connection:
            return event_id_at(connection, position)

    def changed(self) -> list[str]:
        """The ids of events whose body is not what was received."""
        with closing(open_to_read(self.path)) as connection, as_unavailable(self.path):
            return list(changed_bodies(connection))

    def renew(self) -> None:
        """Gives the buffer another `buffer_id`, because its positions were given before."""
        with self._file.writing(is_note=True) as connection:
            unconfirm(connection, str(uuid.uuid4()))

    def confirm(self, position: int, event_id: str | None = None) -> None:
        """Records that the warehouse holds everything up to `position`."""
        with self._file.writing(is_note=True) as connection:
            there = event_id_at(connection, position)
            if event_id is not None and there not in (event_id, None):
                raise OSError("another delivery is at the position that the warehouse holds")
            confirm(connection, position)

    def discard(self, *, loaded_before: int, quarantined_before: int) -> int:
        """Deletes in short transactions what is confirmed and old enough; the file may shrink."""
        discarded = self._discard_in_steps(_OLD, (loaded_before, quarantined_before))
        discarded += self._discard_in_steps(SETTLED, ())
        if self._limits.loaded_bytes is not None:
            discarded += self._discard_in_steps(_CONFIRMED, (), self._limits.loaded_bytes)
        shrink(self._file)
        return discarded

    def _refuse_if_full(self, connection: sqlite3.Connection) -> None:
        if self._limits.concern_what_waits:
            self._limits.refuse_if_reached(waiting(connection), time.time_ns() // 1000)

    def _discard_in_steps(
        self, positions: str, values: tuple[int, ...], down_to_bytes: int = 0
    ) -> int:
        discarded = 0
        while True:
            with self._file.writing(is_note=True) as connection:
                if down_to_bytes and loaded_bytes(connection) <= down_to_bytes:
                    return discarded
                deleted = delete(connection, f"{positions} limit ?", (*values, DISCARD_ROWS))
            discarded += deleted
            if deleted < DISCARD_ROWS:
                return discarded

    def counts(self) -> Counts:
        """The state of the buffer, in one consistent view."""
        with self._file.reading() as connection:
            received, duplicates, quarantined, confirmed, redacted, refused, last, *rest = (
                connection.execute(
                    "select received, duplicates, quarantined, confirmed_position, redacted,"
                    " refused_bytes,"
                    " coalesce((select seq from sqlite_sequence where name = 'deliveries'), 0),"
                    " (select count(*) from deliveries where position > confirmed_position"
                    "  and duplicate_of is null and reason is null),"
                    " (select received_at from deliveries where position = ("
                    "   select min(position) from deliveries where position > confirmed_position"
                    "   and duplicate_of is null and reason is null))"
                    " from buffer"
                ).fetchone()
            )
        pending, oldest = rest
        return Counts(
            received=received,
            loaded=received - duplicates - quarantined - pending,
            duplicates=duplicates,
            quarantined=quarantined,
            pending=pending,
            oldest_pending_at=oldest,
            last_position=last,
            confirmed_position=confirmed,
            redacted=redacted,
            quarantine_bytes=refused,
        )

    def durability(self) -> Durability:
        """A commit is on the disk of this machine; see `fluents_connector.buffer.sqlite.file`."""
        return Durability("SQLite, synced to the disk of this machine", 0)

    def quarantined(self, limit: int) -> list[StoredDelivery]:
        """The newest refused deliveries, newest first."""
        return self._refused("", limit)

    def quarantined_delivery(self, delivery_id: str) -> StoredDelivery | None:
        """One refused delivery, by its id or the only one whose id starts with it."""
        found = self._refused(delivery_id, 2)
        return found[0] if len(found) == 1 else None

    def retry(self, delivery: Delivery) -> Receipt | None:
        """Stores as an event what was refused under the same id, and settles the refusal."""
        with self._file.writing() as connection:
            redacted = redacted_in(connection, delivery.event_id)
            if not settle(connection, delivery.event_id):
                return None
            receipt = insert(connection, delivery)
            is_repeat = receipt.duplicate_of is not None
            # what was replaced when it was refused is counted already
            more = replace(delivery, redacted=max(0, delivery.redacted - redacted))
            count(connection, [more], duplicates=is_repeat, quarantined=-1)
        return receipt

    def drop(self, delivery_id: str) -> bool:
        """Settles a refusal for good: it is listed no more. Says whether there was one."""
        with self._file.writing() as connection:
            return settle(connection, delivery_id)

    def close(self) -> None:
        """Gives up the file. SQLite folds the WAL back when the last user closes."""
        self._file.close()

    def _refused(self, prefix: str, limit: int) -> list[StoredDelivery]:
        with self._file.reading() as connection:
            rows = connection.execute(
                f"select {_COLUMNS} from deliveries"  # noqa: S608 # our own column names
                " where reason is not null and not settled and substr(event_id, 1, length(?1)) = ?1"
                " order by event_id desc limit ?2",
                (prefix, limit),
            ).fetchall()
        return list(map(StoredDelivery._make, rows))
