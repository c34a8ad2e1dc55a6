"""How much a buffer may hold before it refuses more: back-pressure instead of a full disk."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

from connector.errors import BufferFull

HOUR_MICROSECONDS = 3600 * 1_000_000

_PENDING = """
select
    coalesce((select seq from sqlite_sequence where name = 'deliveries'), 0) - confirmed_position,
    (
        select received_at from deliveries
        where position > confirmed_position
        order by position limit 1
    )
from buffer
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a buffer; None is no limit.

    `rows` and `age_hours` are of deliveries that are not loaded yet, `bytes` of the whole file.
    """

    rows: int | None = None
    bytes: int | None = None
    age_hours: float | None = None

    def refuse_if_reached(self, connection: sqlite3.Connection) -> None:
        """Raises `BufferFull` if no more may be stored now."""
        if self.bytes is not None and (used := used_bytes(connection)) >= self.bytes:
            raise BufferFull(f"The buffer uses {used:,} bytes; buffer_max_bytes is {self.bytes:,}.")
        if self.rows is None and self.age_hours is None:
            return
        rows, oldest_at = connection.execute(_PENDING).fetchone()
        waits = f"{rows:,} deliveries wait for a load"
        if self.rows is not None and rows >= self.rows:
            raise BufferFull(f"{waits}; buffer_max_rows is {self.rows:,}.")
        if self.age_hours is not None and oldest_at is not None:
            age = (time.time_ns() // 1000 - oldest_at) / HOUR_MICROSECONDS
            if age >= self.age_hours:
                raise BufferFull(
                    f"{waits}, the first for {age:.1f} hours; buffer_max_age_hours is "
                    f"{self.age_hours:g}."
                )


def used_bytes(connection: sqlite3.Connection) -> int:
    """What the rows of the database take; pages that are free for new rows do not count."""
    pages, free, size = (
        int(connection.execute(f"pragma {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
