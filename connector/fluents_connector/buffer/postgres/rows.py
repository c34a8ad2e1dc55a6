"""The statements that count and change the buffer's rows, each in a transaction of its caller.

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

REPLACED = (
    "another server that lacks some deliveries has taken its place. The next load notices, and "
    "loads what it must"
)
_IN_UTF8 = ("call_id", "type", "detail")  # see schema.sql
_FIELDS = [field.name for field in fields(Delivery)]
_COLUMNS = ["position", *_FIELDS, "duplicate_of"]
_INSERT = SQL("insert into deliveries ({}) values ({})").format(
    SQL(", ").join(map(Identifier, _COLUMNS)), SQL(", ").join([Placeholder()] * len(_COLUMNS))
)
COLUMNS = SQL(", ").join(map(Identifier, StoredDelivery._fields))
"""What `as_stored` takes."""

_SIZE = SQL("coalesce(octet_length(body), 0) + {}").format(ROW_BYTES)
_IS_EVENT = SQL("duplicate_of is null and reason is null")

SETTLED = SQL(
    "select position from deliveries where settled and reason is not null"
    " and position <= (select confirmed_position from buffer)"
)
"""The positions of refusals that were settled and are loaded."""


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
                ).format(_IS_EVENT),
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


def confirm(connection: Connection[Any], position: int, event_id: str | None) -> None:
    """Moves the confirmed position, forwards or back, and what is pending with it.

    Raises `LookupError` where that is not the position of `event_id`.
    """
    counters = locked(connection)
    there = connection.execute(
        "select event_id from deliveries where position = %s", (position,)
    ).fetchone()
    is_another = event_id is not None and there is not None and there[0] != event_id
    if is_another or position > counters.last_position:
        raise LookupError(f"it has not the delivery that was at position {position}: {REPLACED}")
    confirmed, last = counters.confirmed_position, counters.last_position
    if position == confirmed:
        return
    low, high = sorted((confirmed, position))
    connection.execute(
        SQL(
            "update buffer set confirmed_position = %(position)s,"
            # nothing is pending beyond the last
            " pending_rows = case when %(is_all)s then 0 else pending_rows + %(sign)s * rows end,"
            " pending_bytes = case when %(is_all)s then 0 else pending_bytes + %(sign)s * size end,"
            " pending_events ="
            " case when %(is_all)s then 0 else pending_events + %(sign)s * events end"
            " from (select count(*) as rows, coalesce(sum({size}), 0)::bigint as size,"
            " count(*) filter (where {is_event}) as events from deliveries"
            " where position > %(low)s and position <= %(high)s) as moved"
        ).format(size=_SIZE, is_event=_IS_EVENT),
        {
            "position": position,
            "is_all": position >= last,
            "sign": 1 if position < confirmed else -1,
            "low": low,
            "high": high,
        },
    )


def unconfirm(connection: Connection[Any], buffer_id: str) -> None:
    """Makes all that is kept pending, in a buffer of another id."""
    connection.execute(
        "update buffer set buffer_id = %s, confirmed_position = 0, pending_rows = kept_rows,"
        " pending_bytes = kept_bytes, pending_events = kept_events",
        (buffer_id,),
    )


def delete(connection: Connection[Any], positions: Any, values: Sequence[int | str]) -> int:
    """Deletes loaded deliveries at the positions that a query gives; returns how many."""
    (deleted,) = connection.execute(
        SQL(
            "with gone as (delete from deliveries where position in ({positions})"
            " returning {size} as size, octet_length(body) as body, reason, duplicate_of),"
            " counted as (update buffer set kept_rows = kept_rows - gone.rows,"
            " kept_bytes = kept_bytes - gone.size, kept_events = kept_events - gone.events,"
            " refused_bytes = refused_bytes - gone.refused"
            " from (select count(*) as rows, coalesce(sum(size), 0)::bigint as size,"
            " count(*) filter (where {is_event}) as events,"
            " coalesce(sum(body) filter (where reason is not null), 0)::bigint as refused"
            " from gone) as gone where gone.rows > 0)"
            " select count(*) from gone"
        ).format(positions=positions, size=_SIZE, is_event=_IS_EVENT),
        values,
    ).fetchall()[0]
    return int(deleted)


def redacted_in(connection: Connection[Any], delivery_id: str) -> int:
    """How many values were replaced in the body of a refused delivery."""
    found = connection.execute(
        "select redacted from deliveries where event_id = %s and reason is not null",
        (delivery_id,),
    ).fetchone()
    return int(found[0]) if found else 0


def settle(connection: Connection[Any], delivery_id: str) -> bool:
    """Takes a refused delivery off the list; says whether it was on it.

    It goes at once if it is loaded, and with the next load otherwise.
    """
    settled = connection.execute(
        "update deliveries set settled = true"
        " where event_id = %s and reason is not null and not settled returning position",
        (delivery_id,),
    ).fetchall()
    delete(connection, SQL("{} and event_id = %s").format(SETTLED), (delivery_id,))
    return len(settled) == 1


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
