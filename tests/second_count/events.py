"""The rows of `fluents.events`, and the facts in their payloads."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

SELECT = """select event_id, call_id, epoch_us(received_at), webhook, type, from_number, to_number,
    is_outgoing, payload, duplicate_of from fluents.events"""


class Event(NamedTuple):
    """One delivery that was accepted; `received_at` is in microseconds since 1970."""

    event_id: str
    call_id: str
    received_at: int
    webhook: str
    type: str
    from_number: str | None
    to_number: str | None
    is_outgoing: bool | None
    payload: Any
    duplicate_of: str | None

    @property
    def place(self) -> tuple[int, str]:
        """What first and last go by."""
        return self.received_at, self.event_id


def read(warehouse: Path) -> list[Event]:
    """All rows of a published warehouse, duplicates included, by receipt."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        rows = connection.execute(SELECT).fetchall()
    events = [Event(*row)._replace(payload=json.loads(row[8] or "null")) for row in rows]
    return sorted(events, key=lambda event: event.place)


def value(payload: Any, names: list[str]) -> Any:
    """What the first of `names` that has something holds; a dot leads into an object."""
    for name in names:
        found = payload
        for part in name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if found not in (None, ""):
            return found
    return None


def fact(payload: Any, names: list[str]) -> Any:
    """The same; a payload that is a text or a number is itself what is looked for."""
    return value(payload, names) if isinstance(payload, dict) else plain(payload)


def plain(payload: Any) -> str | float | None:
    """A text or a number as it is; None for all else."""
    is_plain = isinstance(payload, str | int | float) and not isinstance(payload, bool)
    return payload if is_plain and payload != "" else None


def seconds(time: Any) -> float | None:
    """A stated time as seconds since 1970: it is a number of them, or ISO 8601."""
    if isinstance(time, str):
        try:
            return float(time)
        except ValueError:
            pass
        try:
            stated = datetime.fromisoformat(time)
        except ValueError:
            return None
        return stated.replace(tzinfo=stated.tzinfo or UTC).timestamp()
    return float(time) if isinstance(time, int | float) else None
