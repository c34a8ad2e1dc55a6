"""Looks a buffer over: does the server keep it well, is nothing missing, are the counters right?

It only reads, so receivers and the loader may go on meanwhile. Each finding is one statement, and
so of one moment. Whether the server's files are whole is for the server's own tools to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from psycopg import Connection

from fluents_connector.buffer.postgres import durability, reading
from fluents_connector.buffer.postgres.schema import the_row
from fluents_connector.buffer.postgres.session import Session
from fluents_connector.buffer.store import Finding

SHOWN = 3  # ids that a finding names
RESTORE = (
    "Bring back a backup of the server if there is one (docs/scaling.md); otherwise report it with "
    "the output of `fluents-warehouse status --json`."
)

Check = Callable[[Connection[Any]], Finding]


def findings(session: Session) -> Iterator[Finding]:
    """Each finding as it is made."""
    for check in (_server, _bodies, _positions, _identity, _duplicates, _counters):
        yield session.read(check)


def _server(connection: Connection[Any]) -> Finding:
    row = the_row(connection.execute(durability.SETTINGS))
    detail = f"{durability.described(row).description}."
    if row[0] != "on":
        return Finding("server", False, detail, "Set fsync = on in its postgresql.conf.")
    return Finding("server", True, detail)


def _bodies(connection: Connection[Any]) -> Finding:
    changed = list(reading.changed(connection))
    if changed:
        return Finding("bodies", False, f"Bodies that have changed: {_named(changed)}.", RESTORE)
    return Finding("bodies", True, "All bodies are what was received.")


def _positions(connection: Connection[Any]) -> Finding:
    confirmed, last, counted, pending, newest = the_row(
        connection.execute(
            "select confirmed_position, last_position, pending_rows,"
            " (select count(*) from deliveries where position > confirmed_position),"
            " (select coalesce(max(position), 0) from deliveries) from buffer"
        )
    )
    if max(confirmed, newest) > last:
        detail = f"The last position is {last:,}, but {max(confirmed, newest):,} is known."
        return Finding("positions", False, detail, RESTORE)
    if (missing := counted - pending) > 0:
        detail = f"{missing:,} of the {counted:,} deliveries that wait for a load are gone."
        return Finding("positions", False, detail, RESTORE)
    detail = f"All {pending:,} deliveries that wait for a load are there, up to {last:,}."
    return Finding("positions", True, detail)


def _identity(connection: Connection[Any]) -> Finding:
    twice = [
        row[0]
        for row in connection.execute(
            "select event_id from deliveries group by event_id, reason is null"
            " having count(*) > 1 limit %s",
            (SHOWN + 1,),
        )
    ]
    if twice:
        return Finding("identity", False, f"Ids given twice: {_named(twice)}.", RESTORE)
    return Finding("identity", True, "Each id is given once.")


def _duplicates(connection: Connection[Any]) -> Finding:
    (wrong,) = the_row(
        connection.execute(
            "select count(*) from deliveries as later"
            " join deliveries as first on first.event_id = later.duplicate_of"
            " where first.reason is null and first.body_hash is distinct from later.body_hash"
        )
    )
    if wrong:
        detail = f"Duplicates that differ from their first: {wrong:,}."
        return Finding("duplicates", False, detail, RESTORE)
    return Finding("duplicates", True, "Each equals the first of its kind, if that is kept.")


def _counters(connection: Connection[Any]) -> Finding:
    counted, there = the_row(
        connection.execute(
            "select array[kept_rows, kept_events, pending_rows, pending_events, refused_bytes],"
            " (select array[count(*), count(*) filter (where is_event),"
            " count(*) filter (where is_pending), count(*) filter (where is_event and is_pending),"
            " coalesce(sum(octet_length(body)) filter (where reason is not null), 0)::bigint]"
            " from (select body, reason, duplicate_of is null and reason is null as is_event,"
            " position > confirmed_position as is_pending from deliveries) as kept) from buffer"
        )
    )
    names = ("deliveries", "events", "waiting", "events waiting", "bytes refused")
    if counted == there:
        detail = ", ".join(f"{n:,} {name}" for name, n in zip(names, there, strict=True))
        return Finding("counters", True, f"They say what there is: {detail}.")
    wrong = [
        f"{name} {counter:,}, of which {kept:,} are there"
        for name, counter, kept in zip(names, counted, there, strict=True)
        if counter != kept
    ]
    return Finding("counters", False, f"Counted are {'; '.join(wrong)}.", RESTORE)


def _named(ids: list[str]) -> str:
    return ", ".join(ids[:SHOWN]) + (", …" if len(ids) > SHOWN else "")
