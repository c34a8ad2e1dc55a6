"""What each table of the published warehouse has to hold, given what was sent."""

from __future__ import annotations

import base64
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import duckdb

from fluents_pipelines.models.built_in import models as sql_models
from tests.attacks.faults.events import TABLE_OF_TYPE, Sent
from tests.attacks.faults.oracle import Oracle
from tests.deliveries import FIRST_AT


class Finding(NamedTuple):
    """What is wrong, as a word and a sentence: lost, twice, not sent, changed, …"""

    kind: str
    text: str


class _Row(NamedTuple):
    event_id: str
    call_id: str
    type: str
    payload: str
    duplicate_of: str | None


def _read_events(connection: duckdb.DuckDBPyConnection) -> list[_Row]:
    query = "select event_id, call_id, type, payload::varchar, duplicate_of from fluents.events"
    return [_Row(*row) for row in connection.execute(query).fetchall()]


def _identity(row: _Row) -> str:
    payload = json.loads(row.payload) if row.payload else None
    return str(payload.get("fault_id")) if isinstance(payload, dict) else ""


def events(connection: duckdb.DuckDBPyConnection, oracle: Oracle) -> Iterable[Finding]:
    rows = _read_events(connection)
    for event_id, count in Counter(row.event_id for row in rows).items():
        if count > 1:
            yield Finding("twice", f"event {event_id} is in events {count} times")
    by_identity: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        by_identity[_identity(row)].append(row)
    for sent in oracle.sent.values():
        if sent.is_good:
            yield from _one_body(sent, by_identity.pop(sent.identity, []))
    for identity, strangers in by_identity.items():
        yield Finding("not sent", f"{len(strangers)} rows of events for {identity!r}")


def _one_body(sent: Sent, rows: list[_Row]) -> Iterable[Finding]:
    by_id = {row.event_id: row for row in rows}
    who = f"{sent.identity} ({sent.type})"
    for answer in sent.answers:
        row = by_id.get(answer.delivery_id)
        if row is None:
            yield Finding("lost", f"{who} was acknowledged as {answer.delivery_id}")
        elif row.duplicate_of != answer.duplicate_of:
            yield Finding(
                "duplicate",
                f"{who}: {row.event_id} repeats {row.duplicate_of}, not {answer.duplicate_of}",
            )
    if len(by_id) > sent.attempts:
        yield Finding("twice", f"{who}: {len(by_id)} events of {sent.attempts} requests")
    firsts = {row.event_id for row in rows if row.duplicate_of is None}
    if not sent.is_recognised:
        if len(firsts) != len(by_id):
            yield Finding("lost", f"{who} is taken for a duplicate, but may be real")
    elif len(firsts) > 1 + sent.forgotten:
        yield Finding("duplicate", f"{who}: {len(firsts)} of {len(by_id)} lack duplicate_of")
    elif rows and {row.duplicate_of for row in rows} - {None} - firsts:
        yield Finding("duplicate", f"{who}: repeats an event that is not there")
    for row in rows:
        if (row.call_id, row.type) != (sent.call_id, sent.type):
            yield Finding("changed", f"{who}: is {row.type} of {row.call_id}")
        elif json.loads(row.payload) != sent.payload:
            yield Finding("changed", f"{who}: payload {row.payload[:100]}")


def tables(connection: duckdb.DuckDBPyConnection, oracle: Oracle) -> Iterable[Finding]:
    """Each first event exactly once in the one table of its type, and nowhere else."""
    firsts = {row.event_id: row for row in _read_events(connection) if row.duplicate_of is None}
    for type_, table in TABLE_OF_TYPE.items():
        if table is None:
            continue
        rows = connection.execute(
            f"select event_id, call_id, payload::varchar from fluents.{table}"
        ).fetchall()
        counts = Counter(event_id for event_id, _, _ in rows)
        expected = {event_id for event_id, row in firsts.items() if row.type == type_}
        for event_id in expected - counts.keys():
            yield Finding("lost", f"{event_id} is in events, but not in {table}")
        for event_id, count in counts.items():
            if event_id not in expected:
                yield Finding("not sent", f"{event_id} is in {table}, but should not")
            elif count > 1:
                yield Finding("twice", f"{event_id} is in {table} {count} times")
        for event_id, call_id, payload in rows:
            first = firsts.get(event_id)
            if first is not None and (first.call_id, first.payload) != (call_id, payload):
                yield Finding("changed", f"{event_id} in {table} is not as in events")


def turns(connection: duckdb.DuckDBPyConnection, oracle: Oracle) -> Iterable[Finding]:
    found: Counter[str] = Counter()
    for event_id, count, last in connection.execute(
        "select event_id, count(*), max(turn_index) from fluents.transcript_turns group by all"
    ).fetchall():
        found[event_id] = count
        if count != last:
            yield Finding("twice", f"{count} turns, but the last of {event_id} is {last}")
    for row in _read_events(connection):
        if row.type == "event_transcript" and row.duplicate_of is None:
            sent = oracle.sent.get(_identity(row))
            if sent is not None and found[row.event_id] != sent.turns:
                text = f"{found[row.event_id]} of {sent.turns} turns of {row.event_id}"
                yield Finding("lost" if found[row.event_id] < sent.turns else "twice", text)


def calls(connection: duckdb.DuckDBPyConnection) -> Iterable[Finding]:
    """One row a call, folded from exactly the events that are there."""
    for call_id, count in connection.execute(
        "select call_id, count(*) from fluents.calls group by all having count(*) > 1"
    ).fetchall():
        yield Finding("twice", f"{call_id} is in calls {count} times")
    folds = {
        "first_event_at": "min(received_at)",
        "last_event_at": "max(received_at)",
        **{
            column: f"min(received_at) filter (type = '{type_}')"
            for column, type_ in FIRST_AT.items()
        },
        "from_number": "arg_min(from_number, event_id)",
        "recording_url": "arg_max(payload->>'recording_url', event_id)"
        " filter (type = 'event_recording')",
        "human_detection_result": "arg_max(payload->>'result', event_id)"
        " filter (type = 'event_human_detection')",
    }
    expected = ", ".join(f"{fold} as {column}" for column, fold in folds.items())
    differs = " or ".join(f"calls.{one} is distinct from expected.{one}" for one in folds)
    for call_id, there in connection.execute(
        f"with expected as (select call_id, {expected} from fluents.events"
        " where duplicate_of is null group by call_id)"
        " select call_id, calls.call_id is not null from expected"
        f" full join fluents.calls as calls using (call_id) where {differs}"
    ).fetchall():
        yield Finding("changed" if there else "lost", f"calls has {call_id} not as its events say")


def models(connection: duckdb.DuckDBPyConnection) -> Iterable[Finding]:
    """Each model that is a table says what its SQL says of all that is there."""
    for model in sql_models():
        if model.is_table:
            table, whole = f"(from analytics.{model.name})", f"({model.whole_sql})"
            for kind, one, other in (("lost", whole, table), ("not sent", table, whole)):
                rows = connection.execute(f"from {one} except all from {other}").fetchall()
                if rows:
                    yield Finding(kind, f"{len(rows)} rows of {model.name}, as {rows[0]}")
    for (call_id,) in connection.execute("from analytics.stale_calls").fetchall():
        yield Finding("changed", f"{call_id} is stale in the models")


def quarantine(connection: duckdb.DuckDBPyConnection, oracle: Oracle) -> Iterable[Finding]:
    by_body: dict[bytes, Counter[str]] = defaultdict(Counter)
    for delivery_id, body, encoding in connection.execute(
        "select delivery_id, body, body_encoding from fluents.quarantine"
    ).fetchall():
        content = base64.b64decode(body) if encoding == "base64" else (body or "").encode()
        by_body[content][delivery_id] += 1
    for sent in oracle.sent.values():
        if sent.is_good:
            continue
        there = by_body.pop(sent.body, Counter())
        for answer in sent.answers:
            if not there[answer.delivery_id]:
                yield Finding("lost", f"{answer.delivery_id} was refused and is in no quarantine")
        for delivery_id, count in there.items():
            if count > 1:
                yield Finding("twice", f"{delivery_id} is in quarantine {count} times")
        if len(+there) > sent.attempts:
            yield Finding("twice", f"{len(there)} in quarantine of {sent.attempts} requests")
    for body in by_body:
        yield Finding("not sent", f"quarantine holds {body[:80]!r}")
