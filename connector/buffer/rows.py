"""The statements that change the buffer's rows. Each runs inside a transaction of its caller."""

from __future__ import annotations

import sqlite3
from dataclasses import fields
from operator import attrgetter

from connector.buffer.protocol import Receipt
from connector.delivery import Delivery

_FIELDS = [field.name for field in fields(Delivery)]
_values = attrgetter(*_FIELDS)
_INSERT = (
    f"insert into deliveries ({', '.join(_FIELDS)}, duplicate_of, settled)"  # noqa: S608
    f" values ({'?, ' * len(_FIELDS)}?, ?)"
)


def insert(
    connection: sqlite3.Connection,
    delivery: Delivery,
    *,
    duplicate_of: str | None = None,
    settled: bool = False,
) -> Receipt:
    """Adds a delivery; finds out by itself whether it repeats another that is there."""
    if duplicate_of is None and delivery.body_hash is not None:
        first = connection.execute(
            "select event_id from deliveries"
            " where body_hash = ? and duplicate_of is null and reason is null",
            (delivery.body_hash,),
        ).fetchone()
        duplicate_of = first[0] if first else None
    connection.execute(
        _INSERT,
        (*_values(delivery), duplicate_of, settled),
    )
    return Receipt(delivery.event_id, duplicate_of)


def count(
    connection: sqlite3.Connection, *, received: int = 0, duplicates: int = 0, quarantined: int = 0
) -> None:
    """Adds to the counters, so that they always say the same as the rows that were added."""
    connection.execute(
        "update buffer set received = received + ?, duplicates = duplicates + ?,"
        " quarantined = quarantined + ?",
        (received, duplicates, quarantined),
    )


def settle(connection: sqlite3.Connection, delivery_id: str) -> bool:
    """Takes a refused delivery off the list; says whether it was on it."""
    settled = connection.execute(
        "update deliveries set settled = 1"
        " where event_id = ? and reason is not null and not settled",
        (delivery_id,),
    )
    return settled.rowcount == 1
