"""What the warehouse has to say, given the deliveries that it was loaded with, in any order.

`calls` is folded here a second time, in Python and from the bodies, so that a wrong fold in
`sql/tables/calls.sql` shows. The other tables are those of one batch of everything.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from fluents_connector.buffer import Batch, StoredDelivery
from fluents_pipelines.normalize import Normalizer
from fluents_pipelines.tables import CALLS, NORMALIZED
from tests.deliveries import FIRST_AT

Rows = list[tuple[Any, ...]]

ORIGIN = {"buffer_id", "position"}
"""Where a row came from: differs from load to load, by design."""

COLUMNS = {
    table.name: [name for name in table.column_names if name not in ORIGIN] for table in NORMALIZED
}


def published(path: Path) -> dict[str, Rows]:
    """All rows of all tables but `loads`, without where they came from."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return {
            name: connection.execute(
                f"select {', '.join(columns)} from fluents.{name} order by all"
            ).fetchall()
            for name, columns in COLUMNS.items()
        }


def expected(normalizer: Normalizer, deliveries: Iterable[StoredDelivery]) -> dict[str, Rows]:
    """The same for a warehouse that holds `deliveries`, each once."""
    rows = list(deliveries)
    tables = normalizer.tables(Batch("reference", 0, len(rows), list(rows)))
    with duckdb.connect() as connection:
        found = {}
        for name, columns in COLUMNS.items():
            connection.register("of_one_batch", tables[name])
            query = f"select {', '.join(columns)} from of_one_batch order by all"
            found[name] = connection.execute(query).fetchall()
    found["calls"] = _calls(row for row in rows if row.reason is None and row.duplicate_of is None)
    return found


def _calls(events: Iterable[StoredDelivery]) -> Rows:
    by_call = defaultdict(list)
    for event in sorted(events, key=lambda event: event.event_id):
        by_call[str(event.call_id)].append(event)
    calls = [_call(call_id, of_call) for call_id, of_call in sorted(by_call.items())]
    return [tuple(call[column.name] for column in CALLS.columns) for call in calls]


def _call(call_id: str, events: list[StoredDelivery]) -> dict[str, Any]:
    call: dict[str, Any] = {
        "call_id": call_id,
        "first_event_at": _time(events[0]),
        "last_event_at": _time(events[-1]),
    }
    for column, type_ in FIRST_AT.items():
        call[column] = next((_time(event) for event in events if event.type == type_), None)
    for fact in (
        "from_number",
        "to_number",
        "is_outgoing",
        "webhook",
        "did_not_connect_reason",
        "human_detection_result",
        "stated_minutes",
        "recording_url",
    ):
        # of these the last one counts, of all others the first
        is_last = fact in ("human_detection_result", "stated_minutes", "recording_url")
        known = [event for event in events if _facts(event)[fact] is not None]
        event = known[-1 if is_last else 0] if known else None
        call[fact] = _facts(event)[fact] if event else None
        call[f"{fact}_event_id"] = event.event_id if event else None
    raw = call["did_not_connect_reason_raw"] = call["did_not_connect_reason"]
    call["did_not_connect_reason"] = raw and raw.lower().replace("-", "_").replace(" ", "_")
    call["direction"] = {True: "outbound", False: "inbound", None: None}[call["is_outgoing"]]
    call["status"] = _status(call)
    return call


def _status(call: dict[str, Any]) -> str:
    if call["did_not_connect_at"] and not call["connected_at"]:
        return "did_not_connect"
    if call["ended_at"] or call["post_call_completed_at"]:
        return "ended"
    if call["connected_at"]:
        return "in_progress"
    return "error" if call["first_error_at"] else "unknown"


def _facts(event: StoredDelivery) -> dict[str, Any]:
    content = json.loads(event.body or b"{}")
    payload = content["payload"] if isinstance(content.get("payload"), dict) else {}
    is_connected = event.type == "event_phone_call_connected"
    from_call = payload.get("from_phone_number") if is_connected else None
    to_call = payload.get("to_phone_number") if is_connected else None

    def of(type_: str, name: str) -> Any:
        return payload.get(name) if event.type == type_ else None

    return {
        "from_number": content.get("from_number") or from_call,
        "to_number": content.get("to_number") or to_call,
        "is_outgoing": content.get("is_outgoing"),
        "webhook": event.webhook,
        "did_not_connect_reason": of("event_phone_call_did_not_connect", "telephony_status"),
        "human_detection_result": of("event_human_detection", "result"),
        "stated_minutes": of("event_phone_call_ended", "conversation_minutes"),
        "recording_url": of("event_recording", "recording_url"),
    }


def _time(event: StoredDelivery) -> datetime:
    seconds, microseconds = divmod(event.received_at, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)
