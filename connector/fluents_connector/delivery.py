"""Validates what one request brought: an event, or a delivery for the quarantine.

Every event has a `call_id` and a `type` that are Unicode text, and a body that is one JSON object
in UTF-8. Nothing else is required: a type or field that is not known is not wrong.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

# Deeper bodies go to the quarantine: DuckDB 2.0's own JSON functions refuse more than 128
# levels and those of 1.5 overflow the stack somewhere below 100,000.
MAX_DEPTH = 128

# Longer ones go to the quarantine. They are keys: a long one stands again in each row of its call,
# and some ten thousand rows of it need more memory than a load has.
MAX_NAME_CHARACTERS = 1024

# Equal deliveries of these types may both be real ("yes" said twice) unless the payload says
# when, or which one, it is.
REPEATABLE_TYPES = frozenset({"event_message", "event_action"})
IDENTITY_KEYS = frozenset(
    {
        "created_at",
        "event_id",
        "id",
        "message_id",
        "occurred_at",
        "sent_at",
        "sequence",
        "time",
        "timestamp",
        "uuid",
    }
)

_STRINGS = re.compile(rb'"[^"]*"')
_NO_SIGN = bytes(set(range(256)) - set(b'[]{}"'))
_STEPS = bytes.maketrans(b"[{]}", bytes([1, 1, 255, 255]))  # 255 is -1 in a signed byte


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one request brought, validated.

    - `event_id`: a UUIDv7 that sorts like `received_at` (microseconds since 1970, UTC).
    - `webhook`: the label of the webhook that received it.
    - `body`: as it came, but for `redacted` values; None only where it was too large to keep.
    - `body_hash`: the SHA-256 by which a duplicate is recognised: of the body as it came, or of
      the id that a gateway gave it. None where an equal body may be another real event.
    - `stored_hash`: the SHA-256 of `body`, where `body_hash` is not that; None otherwise.
    - `reason`: None for an event; otherwise a word that says why the delivery goes to the
      quarantine, and `detail` is a sentence about it.
    """

    event_id: str
    received_at: int
    webhook: str
    body: bytes | None
    call_id: str | None = None
    type: str | None = None
    body_hash: bytes | None = None
    reason: str | None = None
    detail: str | None = None
    redacted: int = 0
    stored_hash: bytes | None = None


class NotAnEvent(ValueError):
    """The body is no event: `reason` is a word for machines, `detail` a sentence for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def new_event_id(received_at: int, random_bits: int) -> str:
    """A UUIDv7 of `received_at` (microseconds since 1970) and at least 62 random bits.

    The microseconds within the millisecond fill `rand_a` (RFC 9562, 6.2, method 3), so ids
    sort exactly as `received_at` does, and a comparison of ids needs no second column.
    """
    milliseconds, microseconds = divmod(received_at, 1000)
    rand_a = microseconds * 4096 // 1000
    rand_b = random_bits & ((1 << 62) - 1)
    return str(
        uuid.UUID(
            int=(milliseconds & ((1 << 48) - 1)) << 80 | 7 << 76 | rand_a << 64 | 2 << 62 | rand_b
        )
    )


def validate(body: bytes, *, webhook: str, received_at: int, event_id: str) -> Delivery:
    """The delivery of `body`: an event, or the reason why it is none. It raises nothing."""
    try:
        call_id, type_, body_hash = _read_event(body)
    except NotAnEvent as why:
        return refused(body, why, webhook=webhook, received_at=received_at, event_id=event_id)
    return Delivery(event_id, received_at, webhook, body, call_id, type_, body_hash)


def with_id(delivery: Delivery, given: str) -> Delivery:
    """The event, whose duplicates are recognised by the id that a gateway gave it, not by its body.

    An id is unique within its webhook only: the gateways of two webhooks may give the same one.
    """
    if delivery.reason is not None:
        return delivery
    # no body begins so: an event's is a JSON object
    identity = f"id {delivery.webhook} {given}".encode()
    return replace(
        delivery,
        body_hash=hashlib.sha256(identity).digest(),
        stored_hash=hashlib.sha256(delivery.body or b"").digest(),
    )


def is_as_received(delivery: Delivery) -> bool:
    """Whether an event's body still says what validation found when it was received."""
    try:  # whatever its length: an earlier version may have stored it before there was a limit
        call_id, type_, body_hash = _read_event(delivery.body or b"", max_characters=None)
    except NotAnEvent:
        return False
    if (call_id, type_) != (delivery.call_id, delivery.type):
        return False
    if delivery.stored_hash is not None:
        return hashlib.sha256(delivery.body or b"").digest() == delivery.stored_hash
    return body_hash == delivery.body_hash


def refused(
    body: bytes, why: NotAnEvent, *, webhook: str, received_at: int, event_id: str
) -> Delivery:
    """The delivery of a body that goes to the quarantine as it came, because of `why`."""
    return Delivery(event_id, received_at, webhook, body, reason=why.reason, detail=why.detail)


def too_large(limit: int, *, webhook: str, received_at: int, event_id: str) -> Delivery:
    """The record of a delivery over `limit` bytes, which is kept without its body."""
    detail = f"The body has more bytes than max_body_bytes allows: {limit:,}."
    return Delivery(event_id, received_at, webhook, None, reason="too_large", detail=detail)


def _read_event(
    body: bytes, max_characters: int | None = MAX_NAME_CHARACTERS
) -> tuple[str, str, bytes | None]:
    event = _parse(body)
    if not isinstance(event, dict):
        raise NotAnEvent("not_an_object", "The body is JSON, but not an object {…}.")
    call_id = _required_text(event, "call_id", max_characters)
    type_ = _required_text(event, "type", max_characters)
    repeatable = type_ in REPEATABLE_TYPES and not _has_identity(event)
    return call_id, type_, None if repeatable else hashlib.sha256(body).digest()


def _parse(body: bytes) -> Any:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise NotAnEvent("not_utf8", f"The body is not UTF-8: byte {error.start}.") from None
    if text.startswith("\ufeff"):
        raise NotAnEvent("not_json", "The body is not JSON: it starts with a byte order mark.")
    # Before Python reads it, as each version of Python gives up at another depth. Counting brackets
    # is a fast upper bound that nearly every body stays below.
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and _depth(body) > MAX_DEPTH:
        raise NotAnEvent("too_deep", f"The body is nested deeper than {MAX_DEPTH} levels.")
    try:
        return _DECODER.decode(text)
    except NotAnEvent:
        raise
    except ValueError as error:
        raise NotAnEvent("not_json", f"The body is not JSON: {error}.") from None


def _refuse_constant(constant: str) -> None:
    raise NotAnEvent("not_json", f"The body is not JSON: {constant} is no JSON number.")


# float for integers: nobody uses the values parsed here, so they need not be exact, and Python
# refuses to make an int of more than 4,300 digits.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=float)


def _depth(body: bytes) -> int:
    # Of the body and not of what Python made of it, which has lost the values of repeated keys.
    # Whole passes in C, as a loop over ten million brackets would hold all other requests.
    signs = body.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _NO_SIGN)
    steps = _STRINGS.sub(b"", signs).translate(_STEPS)
    return max(accumulate(memoryview(steps).cast("b")), default=0)


def _required_text(event: dict[str, Any], key: str, max_characters: int | None) -> str:
    if key not in event:
        raise NotAnEvent(f"{key}_missing", f"The body has no {key}.")
    value = event[key]
    if not isinstance(value, str) or not value:
        raise NotAnEvent(f"{key}_not_text", f"The {key} must be text that is not empty.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise NotAnEvent(
            f"{key}_not_text", f"The {key} holds half of a surrogate pair, so it is not text."
        ) from None
    if max_characters is not None and len(value) > max_characters:
        detail = f"The {key} has {len(value):,} characters; at most {max_characters:,} are taken."
        raise NotAnEvent(f"{key}_too_long", detail)
    return value


def _has_identity(event: dict[str, Any]) -> bool:
    payload = event.get("payload")
    return any(
        part.get(key) is not None
        for part in (event, payload)
        if isinstance(part, dict)
        for key in IDENTITY_KEYS
    )
