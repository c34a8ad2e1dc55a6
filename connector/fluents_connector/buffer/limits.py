"""How much a buffer may hold before it refuses more: back-pressure instead of a full disk."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fluents_connector.delivery import Delivery
from fluents_connector.errors import BufferFull

HOUR_MICROSECONDS = 3600 * 1_000_000

ROW_BYTES = 500  # what a delivery takes beside its body: ids, hash and the entries of indexes

_PENDING = """
select
    pending_rows,
    pending_bytes,
    (
        select received_at from deliveries
        where position > confirmed_position
        order by position limit 1
    )
from buffer
"""

_NOT_KEPT = "Its body was not kept, because the quarantine holds quarantine_max_bytes of them."


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a buffer; None is no limit.

    `rows`, `bytes` and `age_hours` are of deliveries that are not loaded yet; beyond one, nothing
    more is stored. `refused_bytes` is of the bodies of refused deliveries that are kept, loaded or
    not; beyond it, the next is stored without its body: so a flood of them fills no disk, and
    shuts out no event.
    """

    rows: int | None = None
    bytes: int | None = None
    age_hours: float | None = None
    refused_bytes: int | None = None

    def refuse_if_reached(self, connection: sqlite3.Connection) -> None:
        """Raises `BufferFull` if no more may be stored now."""
        if self.rows is None and self.bytes is None and self.age_hours is None:
            return
        rows, size, oldest_at = connection.execute(_PENDING).fetchone()
        waits = f"{rows:,} deliveries wait for a load"
        if self.bytes is not None and size >= self.bytes:
            raise BufferFull(f"{waits}, {size:,} bytes; buffer_max_bytes is {self.bytes:,}.")
        if self.rows is not None and rows >= self.rows:
            raise BufferFull(f"{waits}; buffer_max_rows is {self.rows:,}.")
        if self.age_hours is not None and oldest_at is not None:
            age = (time.time_ns() // 1000 - oldest_at) / HOUR_MICROSECONDS
            if age >= self.age_hours:
                raise BufferFull(
                    f"{waits}, the first for {age:.1f} hours; buffer_max_age_hours is "
                    f"{self.age_hours:g}."
                )

    def as_kept(
        self, connection: sqlite3.Connection, deliveries: Sequence[Delivery]
    ) -> list[Delivery]:
        """The deliveries, those that are refused without their body once that is too much."""
        if self.refused_bytes is None or all(one.reason is None for one in deliveries):
            return list(deliveries)
        (size,) = connection.execute("select refused_bytes from buffer").fetchone()
        kept = []
        for delivery in deliveries:
            if delivery.reason is not None and delivery.body is not None:
                size += len(delivery.body)
                if size > self.refused_bytes:
                    size -= len(delivery.body)
                    detail = f"{delivery.detail} {_NOT_KEPT}"
                    delivery = replace(delivery, body=None, detail=detail)
            kept.append(delivery)
        return kept


def loaded_bytes(connection: sqlite3.Connection) -> int:
    """About what events take that are loaded and still kept."""
    pending, refused = connection.execute(
        "select pending_bytes, refused_bytes from buffer"
    ).fetchone()
    return used_bytes(connection) - int(pending) - int(refused)


def used_bytes(connection: sqlite3.Connection) -> int:
    """What the rows of the database take; pages that are free for new rows do not count."""
    pages, free, size = (
        int(connection.execute(f"pragma {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
