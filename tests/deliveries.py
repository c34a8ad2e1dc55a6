"""Deliveries for tests: bodies, and the buffer that they end up in, with given times and ids."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import count
from typing import Any

from fluents_connector.buffer import Batch, Buffer, Receipt
from fluents_connector.delivery import Delivery, new_event_id, validate

TOKEN = "tests-only-0123456789-abcdefghij"  # noqa: S105 # opens nothing but tests
START = 1_767_225_600_000_000  # 2026-01-01 00:00:00 UTC, in microseconds

FIRST_AT = {
    "connected_at": "event_phone_call_connected",
    "did_not_connect_at": "event_phone_call_did_not_connect",
    "ended_at": "event_phone_call_ended",
    "transcript_at": "event_transcript",
    "recording_at": "event_recording",
    "post_call_completed_at": "event_post_call_processing_completed",
    "first_error_at": "event_error",
}
"""For columns of `calls`, the type of event whose first receipt they are."""


class Clock:
    """Microseconds since 1970: a second more at each call, from 2026-01-01 on."""

    def __init__(self, start: int = START) -> None:
        self._seconds = count()
        self._start = start

    def __call__(self) -> int:
        return self._start + next(self._seconds) * 1_000_000


def body(type_: str, payload: Any = None, *, call_id: str = "call-1", **fields: Any) -> bytes:
    """A body as Fluents would send it."""
    event = {"call_id": call_id, "type": type_, **fields, "payload": payload}
    return json.dumps(event).encode()


def delivery(
    content: bytes, *, received_at: int = START, bits: int = 0, webhook: str = "main"
) -> Delivery:
    """`content` validated, with an id made of `received_at` and `bits`."""
    return validate(
        content,
        webhook=webhook,
        received_at=received_at,
        event_id=new_event_id(received_at, bits),
    )


def append_all(buffer: Buffer, bodies: Iterable[bytes], clock: Clock) -> list[Receipt]:
    """Appends bodies one after the other, each a second later than the one before."""
    return [buffer.append(delivery(content, received_at=clock())) for content in bodies]


def whole(buffer: Buffer) -> Batch:
    """All that the buffer holds, as one batch."""
    return buffer.read(0, buffer.counts().last_position, max_rows=10**6, max_bytes=10**9)
