"""The statements that settle what becomes of stored deliveries: confirmed, retried, deleted.

Each is in a transaction of its caller, which takes the counters first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL

from fluents_connector.buffer.postgres.rows import IS_EVENT, SIZE, event_id_at, locked

REPLACED = (
    "another server that lacks some deliveries has taken its place. The next load notices, and "
    "loads what it must"
)
"""What a position that is not what it was means."""

SETTLED = SQL(
    "select position from deliveries where settled and reason is not null"
    " and position <= (select confirmed_position from buffer)"
)
"""The positions of refusals that were settled and are loaded."""


def confirm(connection: Connection[Any], position: int, event_id: str | None) -> None:
    """Moves the confirmed position, forwards or back, and what is pending with it.

    Raises `LookupError` where that is not the position of `event_id`.
    """
    counters = locked(connection)
    there = event_id_at(connection, position)
    is_another = event_id is not None and there not in (event_id, None)
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
        ).format(size=SIZE, is_event=IS_EVENT),
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
        ).format(positions=positions, size=SIZE, is_event=IS_EVENT),
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
