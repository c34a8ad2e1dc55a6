"""Bodies that are events and dear to load: many rows, wide rows, or much to look through.

`DEAR` has a maker for each kind: it takes about how many bytes the body is to have, and a unit of
text. `as_of_an_older_version` puts one into a buffer past the receiver's limits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from itertools import count
from typing import Any

from fluents_connector.buffer import Buffer
from fluents_connector.delivery import Delivery, new_event_id

TRANSCRIPT = "event_transcript"
RESULT = "event_post_call_processing_completed"

Made = tuple[str, Any]
"""Type and payload."""


def _times(unit: str, size: int) -> str:
    return unit * max(1, size // len(unit.encode()))


def _list(unit: Any, size: int) -> list[Any]:
    return [unit] * max(1, size // (len(json.dumps(unit)) + 2))


def _keys(size: int, value: Any = 1) -> dict[str, Any]:
    each = len(json.dumps(value)) + 13
    return {f"{n:07}": value for n in range(max(1, size // each))}


def _deep(size: int, unit: str) -> Any:
    deep: Any = unit
    for _ in range(100):
        deep = {"a": deep}
    return _list(deep, size)


DEAR: dict[str, Callable[[int, str], Made]] = {
    "turns": lambda size, unit: (TRANSCRIPT, _times(f"BOT: {unit}\nHUMAN: b\n", size)),
    "empty turns": lambda size, unit: (TRANSCRIPT, _times("AI:\nUSER:\n", size)),
    "lines of one turn": lambda size, unit: (TRANSCRIPT, "BOT: " + _times(f"{unit}\n", size)),
    "unbroken": lambda size, unit: (TRANSCRIPT, "HUMAN: " + _times(unit, size)),
    "a list of turns": lambda size, unit: (
        TRANSCRIPT,
        {"transcript": _list({"role": "bot", "content": unit}, size)},
    ),
    "a list of texts": lambda size, unit: (TRANSCRIPT, {"transcript": _list("x", size)}),
    "event_logs": lambda size, unit: (
        TRANSCRIPT,
        {
            "event_logs": _list(
                {"sender": "human", "text": unit, "timestamp": 1.5, **_keys(500)}, size
            )
        },
    ),
    "a result of many fields": lambda size, unit: (RESULT, {"post_call_results": _keys(size)}),
    "a result in text": lambda size, unit: (RESULT, {"result": json.dumps(_keys(size))}),
    "a result list": lambda size, unit: (RESULT, {"post_call_results": _list({"a": 1}, size)}),
    "a deep result": lambda size, unit: (RESULT, {"post_call_results": _deep(size, unit)}),
    "fences": lambda size, unit: (RESULT, {"result": _times('```json\n{"a":1}\n```\n', size)}),
    "huge numbers": lambda size, unit: (RESULT, {"post_call_results": _list(10**4000, size)}),
    "a wide payload": lambda size, unit: ("event_message", _keys(size, unit)),
    "errors": lambda size, unit: ("event_error", _list({"message": unit, "code": 1}, size)),
    "an action": lambda size, unit: ("event_action", {"input": _keys(size, [unit])}),
    "an unknown type": lambda size, unit: ("event_of_tomorrow", _list([], size)),
}

_numbers = count()


def dear_body(kind: str, size: int, unit: str, call_id: str, repeated_key: bool = False) -> bytes:
    """A body of about `size` bytes; with a key that stands in it twice if asked for."""
    type_, payload = DEAR[kind](size, unit)
    body = json.dumps({"call_id": call_id, "type": type_, "payload": payload}).encode()
    return body[:-1] + b', "extra": 1, "extra": 2}' if repeated_key else body


def as_of_an_older_version(buffer: Buffer, body: bytes, received_at: int) -> str:
    """Stores an event without asking the receiver's limits; returns its id."""
    event = json.loads(body)
    event_id = new_event_id(received_at, next(_numbers))
    buffer.append(
        Delivery(
            event_id=event_id,
            received_at=received_at,
            webhook="main",
            body=body,
            call_id=event["call_id"],
            type=event["type"],
            body_hash=hashlib.sha256(body).digest(),
        )
    )
    return event_id
