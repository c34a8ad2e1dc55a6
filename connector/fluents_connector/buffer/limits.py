"""How much a buffer may hold before it refuses more: back-pressure instead of a full disk.

The limits know nothing of where a buffer is kept: it gives them its numbers, and does what they
say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from fluents_connector.delivery import Delivery
from fluents_connector.errors import BufferFull

HOUR_MICROSECONDS = 3600 * 1_000_000

ROW_BYTES = 500  # what a delivery takes beside its body: ids, hash and the entries of indexes

_NOT_KEPT = "Its body was not kept, because the quarantine holds quarantine_max_bytes of them."


class Waiting(NamedTuple):
    """What of a buffer is not loaded yet, refused deliveries and duplicates included."""

    rows: int
    bytes: int
    """Of bodies, and `ROW_BYTES` a delivery."""
    oldest_at: int | None
    """When the first of them was received, in microseconds since 1970 (UTC)."""


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

    @property
    def concern_what_waits(self) -> bool:
        """Whether `refuse_if_reached` may ever refuse."""
        return (self.rows, self.bytes, self.age_hours) != (None, None, None)

    @property
    def loaded_bytes(self) -> int | None:
        """Most that events may take that are loaded and still kept: half of `bytes` more.

        Beyond it the oldest are discarded, and duplicates are recognised for less time.
        """
        return None if self.bytes is None else self.bytes // 2

    def refuse_if_reached(self, waiting: Waiting, now: int) -> None:
        """Raises `BufferFull` if no more may be stored at `now`, in microseconds since 1970."""
        rows, size, oldest_at = waiting
        waits = f"{rows:,} deliveries wait for a load"
        if self.bytes is not None and size >= self.bytes:
            raise BufferFull(f"{waits}, {size:,} bytes; buffer_max_bytes is {self.bytes:,}.")
        if self.rows is not None and rows >= self.rows:
            raise BufferFull(f"{waits}; buffer_max_rows is {self.rows:,}.")
        if self.age_hours is not None and oldest_at is not None:
            age = (now - oldest_at) / HOUR_MICROSECONDS
            if age >= self.age_hours:
                raise BufferFull(
                    f"{waits}, the first for {age:.1f} hours; buffer_max_age_hours is "
                    f"{self.age_hours:g}."
                )

    def as_kept(self, deliveries: Sequence[Delivery], refused_bytes: int) -> list[Delivery]:
        """The deliveries, those that are refused without their body once that is too much.

        `refused_bytes` is what the refused bodies take that the buffer keeps already.
        """
        if self.refused_bytes is None:
            return list(deliveries)
        kept = []
        for delivery in deliveries:
            if delivery.reason is not None and delivery.body is not None:
                size = refused_bytes + len(delivery.body)
                if size <= self.refused_bytes:
                    refused_bytes = size
                else:
                    detail = f"{delivery.detail} {_NOT_KEPT}"
                    delivery = replace(delivery, body=None, detail=detail)
            kept.append(delivery)
        return kept
