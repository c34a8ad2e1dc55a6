"""What surrounds a payload: who called whom, and how the JSON is written.

It promises that every body is one JSON object in UTF-8 with a `call_id` and a `type` that are
text. A call keeps its envelope from its first event to its last.
"""

from __future__ import annotations

import json
import uuid
from random import Random
from zlib import crc32

from fluents_connector.simulator import proportions
from fluents_connector.simulator.payloads import ABSENT, pick
from fluents_connector.simulator.words import Business

_ANONYMOUS: tuple[str | None, ...] = ("anonymous", "Restricted", "+266696687", "", None)
_EXTRA_FIELDS: tuple[dict[str, object], ...] = (
    {"environment": "production"},
    {"agent_id": "9b0c3f52-6a41-4d3e-8f0a-2f3c1c7be001", "version": 3},
    {"account": {"plan": "growth", "région": "eu-west", "flags": ["beta", None]}},
    {"attempt": 1},
)
# One encoder a manner of writing, as each call of json.dumps with options makes a new one.
_ENCODERS = {
    (escaped, compact): json.JSONEncoder(
        ensure_ascii=escaped, separators=(",", ":") if compact else None
    )
    for escaped in (True, False)
    for compact in (True, False)
}


class Envelope:
    """The outside of all bodies of one call.

    `numbers`, the own one and the other, are in each body if they are given, and drawn if not.
    `from_number` and `to_number` are what the telephony provider reports: None is a caller who
    withholds it.
    """

    __slots__ = ("_after", "_before", "_encode", "call_id", "from_number", "to_number")

    def __init__(
        self,
        rng: Random,
        business: Business,
        *,
        company: str,
        is_outgoing: bool,
        numbers: tuple[str, str | None] | None = None,
    ) -> None:
        self.call_id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        own, customer = numbers or (_own_number(company, business), _customer_number(rng, business))
        if numbers is None and not is_outgoing and rng.random() < proportions.ANONYMOUS:
            customer = rng.choice(_ANONYMOUS)
        self.from_number = own if is_outgoing else customer
        self.to_number = customer if is_outgoing else own
        self._before: dict[str, object] = {}
        self._after: dict[str, object] = {}
        if numbers is not None or pick(rng, proportions.ENVELOPE_MIX) == "full":
            if numbers is not None or rng.random() >= proportions.NUMBERS_MISSING:
                self._before |= {"from_number": self.from_number, "to_number": self.to_number}
            self._before["is_outgoing"] = is_outgoing
            if rng.random() < proportions.EXTRA_FIELDS:
                self._after |= rng.choice(_EXTRA_FIELDS)
        escaped = rng.random() < proportions.ESCAPED_TEXT
        self._encode = _ENCODERS[escaped, rng.random() < proportions.COMPACT].encode

    def body(self, type_: str, payload: object) -> bytes:
        """The bytes that go over the wire."""
        event: dict[str, object]
        if self._before:
            event = {"call_id": self.call_id, "type": type_, **self._before}
        else:
            event = {"type": type_, "call_id": self.call_id}
        if payload is not ABSENT:
            event["payload"] = payload
        return self._encode({**event, **self._after}).encode()


def _customer_number(rng: Random, business: Business) -> str:
    start, digits = business.language.phone
    return f"{start}{rng.randrange(10**digits):0{digits}}"


def _own_number(company: str, business: Business) -> str:
    # One a company, so that calls can be counted by the number they came in on.
    start, digits = business.language.phone
    return f"{start}{crc32(company.encode()) % 10**digits:0{digits}}"
