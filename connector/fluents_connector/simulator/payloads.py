"""What is in `payload`: for each of the ten types, every shape that public material shows.

It promises plain JSON values. `ABSENT` stands for a body that has no `payload` at all.
"""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Final

from fluents_connector.simulator import proportions
from fluents_connector.simulator.proportions import Mix
from fluents_connector.simulator.talk import Action, Turn

Payload = dict[str, object]

ABSENT: Final = object()

_ERRORS = (
    ("synthesis_timeout", "The voice provider did not answer within 5 s"),
    ("transcriber_disconnected", "WebSocket closed: 1011 (internal error)"),
    ("llm_rate_limited", "429: Rate limit reached for requests"),
    ("telephony_error", "Twilio 31205: JWT token expired"),
    (503, "upstream connect error or disconnect/reset before headers"),
    (21211, "The 'To' number is not a valid phone number."),
    ("action_failed", 'Cannot parse the result as JSON: "<!doctype html>…"'),
)
_UNKNOWN: tuple[tuple[str, Payload], ...] = (
    ("event_call_stage_changed", {"stage": "picked_up", "previous_stage": "created"}),
    ("event_dtmf_received", {"digits": "1#"}),
    ("event_voicemail", {"message_left": True}),
    ("event_transfer_started", {"stage": "transfer_started", "attempts": [1, None, 2.5]}),
)


def pick(rng: Random, choices: Mix[str]) -> str:
    """One of `choices`, in its proportion."""
    return rng.choices(choices[0], cum_weights=choices[1])[0]


def is_identified(payload: object) -> bool:
    """Whether the payload says itself when it happened, so that an equal one is the same event."""
    return isinstance(payload, dict) and "timestamp" in payload


def message(turn: Turn, at: float, shape: str) -> Payload:
    """One utterance, with its time in seconds since 1970 unless `shape` leaves it out."""
    sender = "action_worker" if turn.action is not None else turn.sender
    if shape == "without time":
        return {"text": turn.text, "sender": sender}
    timestamp = round(at, 6) if shape == "float" else int(at)
    return {"text": turn.text, "sender": sender, "timestamp": timestamp}


def action(turn: Turn, done: Action, at: float, shape: str) -> Payload:
    """The start or the finish of an action; `at` is in seconds since 1970."""
    is_start = turn.sender == "action_start"
    if shape == "input and output":
        output = None if is_start else {"action_type": done.type, "response": done.result}
        return {
            "action_input": {"action_config": {"type": done.type}, "params": done.parameters},
            "action_output": output,
        }
    result: Payload | None = None
    if not is_start:
        status = 200 if done.error is None else 504
        result = {"json": done.result, "http_status_code": status, "error": done.error}
    return {
        "event_type": turn.sender,
        "timestamp": datetime.fromtimestamp(at, UTC).isoformat(),
        "action_id": done.id,
        "action_type": done.type,
        "action_label": done.label,
        "parameters": done.parameters,
        "result": result,
    }


def connected(rng: Random, from_number: str | None, to_number: str | None) -> object:
    """The call has both ends."""
    shape = pick(rng, proportions.CONNECTED_MIX)
    if shape == "numbers":
        return {"to_phone_number": to_number, "from_phone_number": from_number}
    return {} if shape == "empty" else ABSENT


def not_connected(rng: Random) -> Payload:
    """Nobody was reached, in the words of a telephony provider."""
    shape = pick(rng, proportions.NOT_CONNECTED_MIX)
    if shape == "empty":
        return {}
    status = pick(rng, proportions.BUSY_MIX)
    if shape == "status":
        return {"telephony_status": status}
    return {"telephony_status": status, "error_message": f"Call ended before answer ({status})"}


def ended(rng: Random, seconds: float, ending: str) -> object:
    """The call is over, with its length in minutes, if it is told at all."""
    shape = pick(rng, proportions.ENDED_MIX)
    if shape == "zero":
        return {"conversation_minutes": 0}
    if shape == "minutes":
        return {"conversation_minutes": round(seconds / 60, 4)}
    if shape == "outcome":
        return {"conversation_minutes": round(seconds / 60, 2), "stage_outcome": ending}
    return {} if shape == "empty" else ABSENT


def detected(*, is_human: bool) -> Payload:
    """Who picked up."""
    return {"result": "human" if is_human else "no_human"}


def recording(rng: Random, call_id: str) -> Payload:
    """The audio can be had, by address or by the id of the call."""
    shape = pick(rng, proportions.RECORDING_MIX)
    if shape == "url":
        return {"recording_url": f"https://recordings.example.com/{call_id}.mp3"}
    if shape == "flag":
        return {"recording_available": True}
    return {"recording_url": None} if shape == "null" else {}


def error(rng: Random) -> object:
    """Something went wrong."""
    shape = pick(rng, proportions.ERROR_MIX)
    code, text = rng.choice(_ERRORS)
    if shape == "text":
        return {"error": text}
    if shape == "object":
        return {"message": text, "code": code}
    if shape == "nested":
        return {"error": {"message": text, "code": code, "retryable": rng.random() < 0.5}}
    if shape == "list":
        return {"errors": [text, *(other for _, other in rng.sample(_ERRORS, 1) if other != text)]}
    return {"error_message": text} if shape == "error_message" else text


def unknown(rng: Random) -> tuple[str, Payload]:
    """A type that nobody has documented, and its payload."""
    return rng.choice(_UNKNOWN)


def made_odd(rng: Random, payload: object) -> object:
    """Nearly always `payload`; now and then null, a text or a list in its place."""
    shape = pick(rng, proportions.ODD_PAYLOAD_MIX)
    if shape == "usual" or payload is ABSENT:
        return payload
    if shape == "null":
        return None
    if shape == "list":
        return [payload]
    inner = next(iter(payload.values()), "") if isinstance(payload, dict) else payload
    return inner if isinstance(inner, str) else str(inner)
