"""What is sent: bodies of every type, each with an identity that no other body has.

The identity is in the payload of a good body and in the text of a bad one, so that a row of
the warehouse leads back to what was sent, whatever the receiver answered or failed to answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

EVENTS_A_CALL = 7
BAD_SHARE = 0.03
UNRECOGNISED_SHARE = 0.5  # of messages and actions: those without a time or id of their own

TABLE_OF_TYPE = {
    "event_message": "messages",
    "event_action": "actions",
    "event_transcript": "transcripts",
    "event_error": "errors",
    "event_recording": "recordings",
    "event_human_detection": "human_detections",
    "event_post_call_processing_completed": "post_call_results",
    "event_phone_call_did_not_connect": None,
    "event_phone_call_connected": None,
    "event_phone_call_ended": None,
    "event_of_a_later_version": None,
}
"""The one table beside `events` and `calls` that an event of the type has a row in."""

TYPES = tuple(TABLE_OF_TYPE)


class Answer(NamedTuple):
    """A 2xx, or a 400: the receiver says that it holds this delivery."""

    delivery_id: str
    duplicate_of: str | None


@dataclass(slots=True)
class Sent:
    """One body, how often it may have been stored, and what the receiver said of it."""

    identity: str
    body: bytes
    call_id: str = ""
    type: str = ""
    payload: Any = None
    turns: int = 0
    is_good: bool = True
    is_recognised: bool = True
    """Whether an equal body is a duplicate; otherwise it is another event."""
    attempts: int = 0
    forgotten: int = 0
    """How many of its deliveries the buffer lost or let go, which no repeat is compared with."""
    answers: list[Answer] = field(default_factory=list)


def seeded(*words: object) -> Random:
    """The same numbers for the same words."""
    return Random(repr(words))  # noqa: S311 # a seed, not a secret


def make(number: int, run: str, rng: Random) -> Sent:
    """The body with this number, of a random type; one in thirty is no event."""
    identity = f"{run}-{number:07}"
    if rng.random() < BAD_SHARE:
        return Sent(identity, _bad(identity, rng), is_good=False)
    type_ = rng.choice(TYPES)
    # more calls than one are under way, so their events come mixed
    call = (number // EVENTS_A_CALL) - rng.randrange(3)
    sent = Sent(identity, b"", f"call-{run}-{call}", type_)
    sent.payload = {"fault_id": identity, **_payload(sent, rng)}
    event = {
        "call_id": sent.call_id,
        "type": type_,
        "from_number": f"+1555{call % 10**7:07}",
        "to_number": "+15550000000",
        "is_outgoing": call % 2 == 0,
        "payload": sent.payload,
    }
    sent.body = json.dumps(event, ensure_ascii=False).encode()
    return sent


def _bad(identity: str, rng: Random) -> bytes:
    return rng.choice(
        (
            b'{"broken %s',
            b'["%s"]',
            b'{"type":"event_error","payload":"%s"}',
            b"\xff\xfe %s",
        )
    ) % (identity.encode(),)


def _payload(sent: Sent, rng: Random) -> dict[str, Any]:
    # most are small; a few need several pages of SQLite
    text = f"Grüße 🙂 {sent.identity} " + "x" * int(rng.paretovariate(1.1) * 20 % 20_000)
    match sent.type:
        case "event_message" | "event_action":
            sent.is_recognised = rng.random() >= UNRECOGNISED_SHARE
            own = {"timestamp": rng.randrange(10**9)} if sent.is_recognised else {}
            return {**own, "text": text, "sender": "bot", "action_id": sent.identity}
        case "event_transcript":
            sent.turns = rng.randrange(1, 6)
            speakers = ("BOT", "HUMAN")
            lines = [f"{speakers[turn % 2]}: {text}" for turn in range(sent.turns)]
            return {"transcript": "\n".join(lines)}
        case "event_recording":
            return {"recording_url": f"https://example.com/{sent.identity}.wav"}
        case "event_human_detection":
            return {"result": rng.choice(("human", "no_human"))}
        case "event_post_call_processing_completed":
            return {"post_call_results": json.dumps({"note": text})}
        case _:
            return {"message": text}
