"""What a buffer gives back of what it was given."""

from __future__ import annotations

from fluents_connector.buffer import StoredDelivery
from fluents_connector.delivery import Delivery
from tests.deliveries import body

GOOD = [body("event_error", {"message": str(number)}) for number in range(5)]


def stored(position: int, delivery: Delivery, duplicate_of: str | None) -> StoredDelivery:
    """`delivery` as it is read at a position."""
    fields = {name: getattr(delivery, name, None) for name in StoredDelivery._fields}
    return StoredDelivery(**fields | {"position": position, "duplicate_of": duplicate_of})
