"""The statements that store deliveries and count them, each in a transaction of its caller.

Each transaction takes the counters first, which locks their row until it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.sql import SQL, Identifier, Placeholder

from fluents_connector.buffer.limits import ROW_BYTES, Waiting
from fluents_connector.buffer.protocol import Receipt, StoredDelivery
from fluents_connector.delivery import Delivery

_IN_UTF8 = ("call_id", "type", "detail")  # see schema.sql
_FIELDS = [field.name for field in fields(Delivery)]
_COLUMNS = ["position", *_FIELDS, "duplicate_of"]
_INSERT = SQL("insert into deliveries ({}) values ({})").format(
    SQL(", ").join(map(Identifier, _COLUMNS)), SQL(", ").join([Placeholder()] * len(_COLUMNS))
)
COLUMNS = SQL(", ").join(map(Identifier, StoredDelivery._fields))
"""What `as_stored` takes."""

SIZE = SQL("coalesce(octet_length(body), 0) + {}").format(ROW_BYTES)
IS_EVENT = SQL("duplicate_of is null and reason is null")


class Counters(NamedTuple):
    """The counters as they are while their row is locked."""

    last_position: int
    confirmed_position: int
    pending_rows: int
    pending_bytes: int
    kept_bytes: int
    refused_bytes: int


def locked(connection: Connection[Any]) -> Counters:
    """The counters, which nobody else changes until the transaction ends."""
    with connection.cursor(row_factory=class_row(Counters)) as cursor:
        cursor.execute(
            SQL("select {} from buffer for no key update").format(
                SQL(", ").join(map(Identifier, Counters._fields))
            )
        )
        counters = cursor.fetchone()
    if counters is None:
        raise LookupError("the table buffer has no row")
    return counters


def waiting(connection: Connection[Any], counters: Counters) -> Waiting:
    """What is not loaded yet."""
    oldest = connection.execute(
        "select received_at from deliveries where position > %s order by position limit 1",
        (counters.confirmed_position,),
    ).fetchone()
    return Waiting(counters.pending_rows, counters.pending_bytes, oldest[0] if oldest else None)


def event_id_at(connection: Connection[Any], position: int) -> str | None:
    """The id of the delivery at a position; None where there is none (any more)."""
    row = connection.execute(
        "select event_id from deliveries where position = %s", (position,)
    ).fetchone()
    return row[0] if row else None


def receipts_at(
    connection: Connection[Any], after: int, deliveries: Sequence[Delivery]
) -> list[Receipt] | None:
    """The receipts of deliveries that were stored together after a position; None if they are not.

    Whoever stored them locked the counters then, so with that lock it is known for good.
    """
    found = connection.execute(
        "select event_id, duplicate_of from deliveries"
        " where position > %s and position <= %s order by position",
        (after, after + len(deliveries)),
    ).fetchall()
    if [row[0] for row in found] != [delivery.event_id for delivery in deliveries]:
        return None
    return [Receipt(*row) for row in found]


def insert(
    connection: Connection[Any], deliveries: Sequence[Delivery], counters: Counters
) -> list[Receipt]:
    """Adds deliveries after the last position; finds out which repeat another."""
    hashes = [delivery.body_hash for delivery in deliveries if delivery.body_hash is not None]
    firsts: dict[bytes, str] = {}
    if hashes:
        firsts.update(
            connection.execute(
                SQL(
                    "select body_hash, event_id from deliveries"
                    " where body_hash = any(%s) and body_hash is not null and {}"
                ).format(IS_EVENT),
                (hashes,),
            ).fetchall()
        )
    receipts, rows = [], []
    for position, delivery in enumerate(deliveries, counters.last_position + 1):
        first = None
        if delivery.body_hash is not None:
            first = firsts.get(delivery.body_hash)
            if first is None and delivery.reason is None:
                firsts[delivery.body_hash] = delivery.event_id
        receipts.append(Receipt(delivery.event_id, first))
        rows.append((position, *map(_value, _FIELDS, _values(delivery)), first))
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT, rows)
    return receipts


def count(
    connection: Connection[Any],
    deliveries: Sequence[Delivery],
    receipts: Sequence[Receipt],
    *,
    received: int,
    quarantined: int,
) -> None:
    """Adds to the counters what was inserted."""
    sizes = [(delivery.reason, len(delivery.body or b"")) for delivery in deliveries]
    repeats = sum(receipt.duplicate_of is not None for receipt in receipts)
    events = sum(
        delivery.reason is None and receipt.duplicate_of is None
        for delivery, receipt in zip(deliveries, receipts, strict=True)
    )
    size = sum(size for _, size in sizes) + ROW_BYTES * len(sizes)
    connection.execute(
        "update buffer set last_position = last_position + %(rows)s,"
        " received = received + %(received)s, duplicates = duplicates + %(repeats)s,"
        " quarantined = quarantined + %(quarantined)s, redacted = redacted + %(redacted)s,"
        " kept_rows = kept_rows + %(rows)s, kept_bytes = kept_bytes + %(size)s,"
        " kept_events = kept_events + %(events)s, pending_rows = pending_rows + %(rows)s,"
        " pending_bytes = pending_bytes + %(size)s, pending_events = pending_events + %(events)s,"
        " refused_bytes = refused_bytes + %(refused)s",
        {
            "rows": len(sizes),
            "received": received,
            "repeats": repeats,
            "quarantined": quarantined,
            "redacted": sum(delivery.redacted for delivery in deliveries),
            "size": size,
            "events": events,
            "refused": sum(size for reason, size in sizes if reason is not None),
        },
    )


def touch(connection: Connection[Any]) -> None:
    """Changes something, so that the commit has to reach the disk, and standbys, once more."""
    connection.execute("update buffer set checked = checked + 1")


def as_stored(row: Sequence[Any]) -> StoredDelivery:
    """A row of `COLUMNS`."""
    stored = StoredDelivery._make(row)
    return stored._replace(
        call_id=_text(stored.call_id), type=_text(stored.type), detail=_text(stored.detail)
    )


def as_delivery(row: Sequence[Any]) -> Delivery:
    """A row of the fields of a `Delivery`, in their order."""
    values = dict(zip(_FIELDS, row, strict=True))
    return Delivery(**values | {name: _text(values[name]) for name in _IN_UTF8})


def _values(delivery: Delivery) -> list[Any]:
    return [getattr(delivery, name) for name in _FIELDS]


def _value(name: str, value: Any) -> Any:
    return value.encode() if name in _IN_UTF8 and value is not None else value


def _text(value: Any) -> str | None:
    return None if value is None else bytes(value).decode()
