"""A plain model of a staging buffer, and of what the warehouse holds of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from fluents_connector.buffer import Counts, StoredDelivery
from fluents_connector.delivery import Delivery

Held = dict[str, StoredDelivery]
"""By event_id (first letter e) or delivery_id (q) what the warehouse holds: the first it got."""


@dataclass
class Staged:
    """What the buffer has to say."""

    rows: list[StoredDelivery] = field(default_factory=list)
    refusals: dict[str, StoredDelivery] = field(default_factory=dict)
    settled: set[int] = field(default_factory=set)
    """Positions of refused deliveries that somebody dropped or retried."""
    received: int = 0
    duplicates: int = 0
    quarantined: int = 0
    last: int = 0
    confirmed: int = 0

    def append(self, new: Delivery) -> str | None:
        """Stores a delivery; says of which one it is a duplicate."""
        self.received += 1
        self.quarantined += new.reason is not None
        row = self._store(new)
        if new.reason is not None:
            self.refusals[row.event_id] = row
        return row.duplicate_of

    def drop(self, delivery_id: str) -> None:
        """Takes a refused delivery off the list; it goes once it is loaded."""
        position = self.refusals.pop(delivery_id).position
        if position > self.confirmed:
            self.settled.add(position)
        else:
            self.rows = [row for row in self.rows if row.position != position]

    def retry(self, repaired: Delivery) -> None:
        """Stores a refused delivery as an event."""
        self.drop(repaired.event_id)
        self.quarantined -= 1
        self._store(repaired)

    def discard(self, events_before: int, refused_before: int) -> None:
        """Forgets what is confirmed and was received before a time, or is settled."""
        self.rows = [
            row
            for row in self.rows
            if row.position > self.confirmed
            or (
                row.position not in self.settled
                and row.received_at >= (refused_before if row.reason else events_before)
            )
        ]
        there = {row.position for row in self.rows}
        self.refusals = {k: row for k, row in self.refusals.items() if row.position in there}

    def counts(self) -> Counts:
        """The buffer's own account of itself."""
        waiting = [row for row in self.pending() if not row.reason and not row.duplicate_of]
        settled = self.duplicates + self.quarantined
        return Counts(
            received=self.received,
            loaded=self.received - settled - len(waiting),
            duplicates=self.duplicates,
            quarantined=self.quarantined,
            pending=len(waiting),
            oldest_pending_at=waiting[0].received_at if waiting else None,
            last_position=self.last,
            confirmed_position=self.confirmed,
            quarantine_bytes=sum(len(row.body or b"") for row in self.rows if row.reason),
        )

    def pending(self) -> Iterable[StoredDelivery]:
        """What the warehouse has not confirmed."""
        return [row for row in self.rows if row.position > self.confirmed]

    def held_now(self) -> Held:
        """What the warehouse must hold because the buffer was told so."""
        return {
            f"{'q' if row.reason else 'e'}{row.event_id}": row
            for row in self.rows
            if row.position <= self.confirmed
        }

    def _store(self, new: Delivery) -> StoredDelivery:
        first = next(
            (
                row.event_id
                for row in self.rows
                if new.body_hash and not (row.reason or row.duplicate_of) and row.body == new.body
            ),
            None,
        )
        self.last += 1
        self.duplicates += first is not None
        self.rows.append(
            StoredDelivery(
                self.last,
                new.event_id,
                new.received_at,
                new.webhook,
                new.call_id,
                new.type,
                new.body,
                first,
                new.reason,
                new.detail,
            )
        )
        return self.rows[-1]
