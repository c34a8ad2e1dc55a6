"""What every staging buffer promises, whatever it is made of.

- `append` returns only when the delivery survives a power cut.
- Positions start at 1, grow by 1 with each delivery, in commit order, and are never reused.
  A buffer that is deleted and made again has another `buffer_id`.
- What is read up to a position is all that there will ever be up to it.
- A delivery is in exactly one of four states, so `received = loaded + duplicates +
  quarantined + pending` at all times.
- Only `discard` deletes, and what settles a refusal: only what the warehouse confirmed that it
  holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from fluents_connector.delivery import Delivery


class Receipt(NamedTuple):
    """What became of an appended delivery."""

    event_id: str
    duplicate_of: str | None
    """The `event_id` of the first delivery with the same body, where this one repeats it."""


class StoredDelivery(NamedTuple):
    """A delivery as the buffer gives it back; see `fluents_connector.delivery.Delivery`."""

    position: int
    event_id: str
    received_at: int
    webhook: str
    call_id: str | None
    type: str | None
    body: bytes | None
    duplicate_of: str | None
    reason: str | None
    detail: str | None
    redacted: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """The deliveries at positions `after < position <= up_to`, with none left out."""

    buffer_id: str
    after: int
    up_to: int
    rows: list[StoredDelivery]
    after_event_id: str | None = None
    """The delivery at `after`, seen together with the rows; None where there is none (any more).

    It tells whether these are the positions of the same buffer as those before them.
    """


@dataclass(frozen=True, slots=True)
class Counts:
    """How many deliveries there are in each state, since the buffer was made."""

    received: int
    loaded: int
    duplicates: int
    quarantined: int
    pending: int
    oldest_pending_at: int | None
    """When the oldest pending event was received, in microseconds since 1970 (UTC)."""
    last_position: int
    confirmed_position: int
    """Up to here the warehouse confirmed that it holds everything."""
    redacted: int = 0
    """How many values were replaced in bodies before they were stored."""
    quarantine_bytes: int = 0
    """What the bodies of refused deliveries take that are kept."""


class Durability(NamedTuple):
    """What an acknowledged delivery survives."""

    description: str
    """What the engine was told to do for it, in words."""
    replicas: int
    """How many other machines have it before it is acknowledged."""


class Buffer(Protocol):
    """A staging buffer. All methods may be called from any thread."""

    @property
    def buffer_id(self) -> str:
        """A UUID given when this buffer was made."""

    def append(self, delivery: Delivery) -> Receipt:
        """Stores `delivery` durably. Raises `BufferUnavailable` if nothing was stored."""

    def append_all(self, deliveries: Iterable[Delivery]) -> list[Receipt]:
        """Stores `deliveries` durably, all of them or, raising `BufferUnavailable`, none.

        They may be read late, once it is this process's turn to commit, and are read once.
        """

    def check(self) -> None:
        """Raises `BufferUnavailable` if a delivery could not be stored durably now."""

    def read(self, after: int, up_to: int, *, max_rows: int, max_bytes: int) -> Batch:
        """The next deliveries after a position.

        As many as fit into both limits, but at least one if there is one. A batch that is
        cut short has a lower `up_to` than asked for.
        """

    def last_position(self) -> int:
        """The position of the newest delivery that was ever stored; 0 before the first.

        Cheap enough to be asked many times a second: the loader notices by it what has arrived.
        """

    def event_id_at(self, position: int) -> str | None:
        """The id of the delivery at a position; None where there is none (any more)."""

    def changed(self) -> list[str]:
        """The ids of events whose body is not what was received: what keeps it has changed it."""

    def renew(self) -> None:
        """Gives the buffer another `buffer_id`, because its positions were given before.

        Everything in it is to be loaded again; what the warehouse has already, it recognises.
        """

    def confirm(self, position: int, event_id: str | None = None) -> None:
        """Records what the warehouse holds: everything up to `position`.

        Raises `BufferUnavailable`, with nothing changed, if another delivery than `event_id` is
        there: the positions were given again by a copy that lacked some.
        """

    def discard(self, *, loaded_before: int, quarantined_before: int) -> int:
        """Deletes confirmed deliveries received before a time, in microseconds since 1970.

        Returns how many. Refused deliveries have a limit of their own, and those that were retried
        or dropped are deleted in any case.
        """

    def counts(self) -> Counts:
        """The state of the buffer, in one consistent view."""

    def durability(self) -> Durability:
        """What an acknowledged delivery survives now, by the engine's own settings."""

    def close(self) -> None:
        """Gives up all that is open. A closed buffer cannot be used again."""


class Quarantine(Protocol):
    """The refused deliveries of a buffer. All methods may be called from any thread."""

    def quarantined(self, limit: int) -> list[StoredDelivery]:
        """The newest refused deliveries, newest first."""

    def quarantined_delivery(self, delivery_id: str) -> StoredDelivery | None:
        """One refused delivery, by its id or the only one whose id starts with it."""

    def retry(self, delivery: Delivery) -> Receipt | None:
        """Stores as an event what was refused under the same id, and settles the refusal.

        None, and nothing stored, where no refusal of that id is open (any more).
        """

    def drop(self, delivery_id: str) -> bool:
        """Settles a refusal for good: it is listed no more. Says whether there was one."""


class StagingBuffer(Buffer, Quarantine, Protocol):
    """A buffer with its quarantine, as `BufferStore.open` gives it."""
