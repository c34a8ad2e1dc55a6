"""What is read from the buffer: batches for the loader in bulk and in binary, counts, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from fluents_connector.buffer.postgres.rows import COLUMNS, as_delivery, as_stored
from fluents_connector.buffer.postgres.schema import the_row
from fluents_connector.buffer.postgres.settling import REPLACED
from fluents_connector.buffer.protocol import Batch, Counts, StoredDelivery
from fluents_connector.buffer.store import Confirmed
from fluents_connector.delivery import Delivery, is_as_received

IDS_AT_ONCE = 25_000
BODIES_AT_ONCE = 1_000
"""How many bodies are in memory when all of them are looked over."""

# One statement, so that all of it is of one moment. The sizes are read without the bodies.
_EXTENT = """
select buffer_id, last_position, rows, fitting, fits_up_to,
    (select event_id from deliveries where position = %(after)s)
from buffer, (
    select count(*) as rows, count(*) filter (where fits) as fitting,
        max(position) filter (where fits) as fits_up_to
    from (
        select position, row_number() over by_position = 1
            or sum(coalesce(octet_length(body), 0)) over by_position <= %(max_bytes)s as fits
        from (
            select position, body from deliveries
            where position > %(after)s and position <= %(up_to)s
            order by position limit %(max_rows)s
        ) as next
        window by_position as (order by position rows unbounded preceding)
    ) as sized
) as extent
"""
_COUNTS = """
select received, duplicates, quarantined, pending_events, confirmed_position, last_position,
    redacted, refused_bytes, (
        select received_at from deliveries
        where position > confirmed_position and duplicate_of is null and reason is null
        order by position limit 1
    )
from buffer
"""


def buffer_id(connection: Connection[Any]) -> str:
    """The identity of the buffer."""
    return str(the_row(connection.execute("select buffer_id from buffer"))[0])


def last_position(connection: Connection[Any]) -> int:
    """The position of the newest delivery that was ever stored; 0 before the first."""
    return int(the_row(connection.execute("select last_position from buffer"))[0])


def confirmed(connection: Connection[Any]) -> Confirmed:
    """The identity of the buffer, and up to where the warehouse holds everything."""
    found = connection.execute("select buffer_id, confirmed_position from buffer")
    return Confirmed(*the_row(found))


def ids(connection: Connection[Any], *, after: int, up_to: int) -> list[tuple[int, str]]:
    """The next positions after `after` and up to another, with the ids of their deliveries."""
    return connection.execute(
        "select position, event_id from deliveries"
        " where position > %s and position <= %s order by position limit %s",
        (after, up_to, IDS_AT_ONCE),
    ).fetchall()


def batch(
    connection: Connection[Any], after: int, up_to: int, *, max_rows: int, max_bytes: int
) -> Batch:
    """The deliveries after `after`, until `up_to` or a limit is reached.

    Raises `LookupError` where a server that lacks some of them has taken the place of another.
    """
    given = {"after": after, "up_to": up_to, "max_rows": max_rows, "max_bytes": max_bytes}
    identity, last, found, fitting, fits_up_to, before = the_row(connection.execute(_EXTENT, given))
    if last < up_to:
        raise LookupError(f"its last position is {last}, and was {up_to} before: {REPLACED}")
    is_complete = found < max_rows and fitting == found
    rows: list[StoredDelivery] = []
    if found:
        with connection.cursor(binary=True) as cursor:
            cursor.execute(
                SQL(
                    "select {} from deliveries where position > %s and position <= %s"
                    " order by position"
                ).format(COLUMNS),
                (after, fits_up_to),
            )
            rows = list(map(as_stored, cursor.fetchall()))
    return Batch(identity, after, up_to if is_complete else fits_up_to, rows, before)


def changed(connection: Connection[Any]) -> Iterator[str]:
    """The ids of events whose body says no longer what it said when it was received."""
    names = [field.name for field in fields(Delivery)]
    columns = SQL(", ").join(map(Identifier, ("position", *names)))
    position = 0
    while True:
        rows = connection.execute(
            SQL(
                "select {} from deliveries where position > %s and reason is null"
                " order by position limit %s"
            ).format(columns),
            (position, BODIES_AT_ONCE),
            binary=True,
        ).fetchall()
        if not rows:
            return
        position = rows[-1][0]
        for _, *values in rows:
            delivery = as_delivery(values)
            if not is_as_received(delivery):
                yield delivery.event_id


def counts(connection: Connection[Any]) -> Counts:
    """The state of the buffer, in one consistent view."""
    received, duplicates, quarantined, pending, confirmed, last, redacted, refused, oldest = (
        the_row(connection.execute(_COUNTS))
    )
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


def refused(connection: Connection[Any], prefix: str, limit: int) -> list[StoredDelivery]:
    """The newest refused deliveries whose id starts with `prefix`, newest first."""
    if "\0" in prefix:  # which no text of Postgres has
        return []
    rows = connection.execute(
        SQL(
            "select {} from deliveries where reason is not null and not settled"
            " and starts_with(event_id, %s) order by event_id desc limit %s"
        ).format(COLUMNS),
        (prefix, limit),
    ).fetchall()
    return list(map(as_stored, rows))
