"""Every shape that FLUENTS.md describes occurs within the first 20,000 simulated deliveries."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from itertools import islice, pairwise
from typing import Any

import pytest

from fluents_connector.simulator import simulate

TAKEN = 20_000

Event = dict[str, Any]
ByType = dict[str, list[Event]]


@pytest.fixture(scope="module")
def by_type() -> ByType:
    found: ByType = defaultdict(list)
    for delivery in islice(simulate(), TAKEN):
        found[delivery.type].append(json.loads(delivery.body))
    return found


@pytest.fixture(scope="module")
def events(by_type: ByType) -> list[Event]:
    return [event for events in by_type.values() for event in events]


def says(pattern: str) -> Callable[[Any], bool]:
    """Whether a payload has a text transcript in which `pattern` occurs on some line."""
    expression = re.compile(pattern, re.MULTILINE)

    def is_so(payload: Any) -> bool:
        text = payload.get("transcript")
        return isinstance(text, str) and expression.search(text) is not None

    return is_so


def is_at(key: str, value: str) -> Callable[[Any], bool]:
    return lambda payload: bool(payload.get(key) == value)


def has_only(key: str) -> Callable[[Any], bool]:
    return lambda payload: bool(payload.keys() == {key})


def results(payload: Any) -> str:
    text = payload.get("post_call_results")
    return text if isinstance(text, str) else ""


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


ENVELOPES: dict[str, Callable[[Event], bool]] = {
    "full": lambda event: (
        list(event) == ["call_id", "type", "from_number", "to_number", "is_outgoing", "payload"]
    ),
    "bare": lambda event: list(event) == ["type", "call_id", "payload"],
    "no-payload": lambda event: "payload" not in event,
    "payload-null": lambda event: "payload" in event and event["payload"] is None,
    "payload-text": lambda event: isinstance(event.get("payload"), str),
    "payload-list": lambda event: isinstance(event.get("payload"), list),
    "extra-field": lambda event: "environment" in event,
    "nested-extra-field": lambda event: "account" in event,
    "anonymous-caller": lambda event: event.get("from_number") == "anonymous",
    "caller-null": lambda event: "from_number" in event and event["from_number"] is None,
    "caller-empty": lambda event: event.get("from_number") == "",
    "numbers-missing": lambda event: "is_outgoing" in event and "from_number" not in event,
    "inbound": lambda event: event.get("is_outgoing") is False,
    "outbound": lambda event: event.get("is_outgoing") is True,
    "unknown-type": lambda event: event["type"] == "event_call_stage_changed",
}

# By type; each takes a payload that is an object.
PAYLOADS: dict[str, dict[str, Callable[[Any], bool]]] = {
    "event_message": {
        **{
            f"from-{sender}": is_at("sender", sender)
            for sender in ("human", "bot", "action_worker", "vector_db", "conference")
        },
        "time-with-fraction": lambda payload: isinstance(payload.get("timestamp"), float),
        "time-in-whole-seconds": lambda payload: isinstance(payload.get("timestamp"), int),
        "without-time": lambda payload: payload.keys() == {"text", "sender"},
        "with-line-break": lambda payload: "\n" in payload["text"],
    },
    "event_action": {
        "input-at-start": lambda payload: (
            "action_input" in payload and payload["action_output"] is None
        ),
        "output-at-finish": lambda payload: payload.get("action_output") is not None,
        "history-item-at-start": lambda payload: (
            "action_id" in payload and payload["result"] is None
        ),
        "history-item-at-finish": lambda payload: (
            payload.get("result") is not None
            and payload["result"].keys() == {"json", "http_status_code", "error"}
        ),
        "history-item-failed": lambda payload: (
            payload.get("result") is not None and payload["result"]["error"] is not None
        ),
        "iso-time": lambda payload: payload.get("timestamp", "").endswith("+00:00"),
        "transfer": lambda payload: payload.get("action_type") == "action_transfer_call",
    },
    "event_transcript": {
        "plain": says(r"\ABOT: .+\nHUMAN: "),
        "timed": says(r"\A\[\d\d:\d\d\.\d\d\] BOT: .+\n\[\d\d:\d\d\.\d\d\] HUMAN: "),
        "agent-and-user": says(r"\AAgent: .+\nUser: "),
        "agent-and-human": says(r"\AAgent: .+\nHuman: "),
        "action-lines": says(r"^BOT_ACTION_START: .+\nBOT_ACTION_FINISH: "),
        "action-worker-lines": says(r"^ACTION_WORKER: "),
        "conference-lines": says(r"^CONFERENCE_EVENT: "),
        "timed-conference-lines": says(r"^\[\d\d:\d\d\.\d\d\] CONFERENCE_EVENT: "),
        "cut-off": says(r"^BOT: .+[^ -]-$"),
        "two-spaces": says(r"^HUMAN:  \S"),
        "several-bot-lines-in-a-row": says(r"^BOT: .+\nBOT: "),
        "continued-on-the-next-line": says(r"^BOT: .+\n- "),
        "no-speaker": lambda payload: (
            isinstance(payload["transcript"], str)
            and len(payload["transcript"]) > 50
            and not re.search(r"^(\[.*\] )?\w+: ", payload["transcript"], re.MULTILINE)
        ),
        "objects": lambda payload: (
            isinstance(payload["transcript"], list)
            and all(entry.keys() == {"role", "content"} for entry in payload["transcript"])
        ),
    },
    "event_error": {
        "error-text": lambda payload: isinstance(payload.get("error"), str),
        "message-and-code": lambda payload: payload.keys() == {"message", "code"},
        "code-is-a-number": lambda payload: isinstance(payload.get("code"), int),
        "error-object": lambda payload: isinstance(payload.get("error"), dict),
        "error-list": lambda payload: isinstance(payload.get("errors"), list),
        "error-message": lambda payload: "error_message" in payload,
    },
    "event_recording": {
        "url": lambda payload: str(payload.get("recording_url")).startswith("https://"),
        "url-null": lambda payload: "recording_url" in payload and not payload["recording_url"],
        "no-url": lambda payload: payload == {"recording_available": True},
        "empty": lambda payload: payload == {},
    },
    "event_human_detection": {
        "human": lambda payload: payload == {"result": "human"},
        "no-human": lambda payload: payload == {"result": "no_human"},
    },
    "event_phone_call_did_not_connect": {
        **{
            word: is_at("telephony_status", word)
            for word in ("busy", "failed", "no-answer", "no_answer", "canceled")
        },
        "with-error-message": lambda payload: "error_message" in payload,
        "empty": lambda payload: payload == {},
    },
    "event_phone_call_connected": {
        "numbers": lambda payload: payload.keys() == {"to_phone_number", "from_phone_number"},
        "empty": lambda payload: payload == {},
    },
    "event_phone_call_ended": {
        "zero-minutes": lambda payload: payload.get("conversation_minutes") == 0,
        "minutes": lambda payload: payload.get("conversation_minutes", 0) > 0,
        "who-hung-up": lambda payload: payload.get("stage_outcome") == "human_disconnected",
        "empty": lambda payload: payload == {},
    },
    "event_post_call_processing_completed": {
        "prose": lambda payload: results(payload) != "" and results(payload)[0] not in "{`[",
        "json-text": lambda payload: is_json(results(payload)),
        "fenced": lambda payload: results(payload).startswith("```json\n{"),
        "fenced-after-words": lambda payload: "\n\n```json\n{" in results(payload),
        "object": lambda payload: isinstance(payload.get("post_call_results"), dict),
        "list": lambda payload: isinstance(payload.get("post_call_results"), list),
        **{
            key: has_only(key)
            for key in ("post_call_result", "result", "analysis", "summary", "output")
        },
    },
}


@pytest.mark.parametrize("is_so", ENVELOPES.values(), ids=ENVELOPES.keys())
def test_every_envelope_occurs(events: list[Event], is_so: Callable[[Event], bool]) -> None:
    assert any(map(is_so, events))


@pytest.mark.parametrize(
    ("type_", "is_so"),
    [(type_, is_so) for type_, shapes in PAYLOADS.items() for is_so in shapes.values()],
    ids=[f"{type_}-{shape}" for type_, shapes in PAYLOADS.items() for shape in shapes],
)
def test_every_payload_shape_occurs(
    by_type: ByType, type_: str, is_so: Callable[[Any], bool]
) -> None:
    payloads = (event.get("payload") for event in by_type[type_])
    assert any(is_so(payload) for payload in payloads if isinstance(payload, dict))


@pytest.mark.parametrize("type_", PAYLOADS)
def test_nearly_every_payload_is_an_object(by_type: ByType, type_: str) -> None:
    objects = sum(isinstance(event.get("payload"), dict) for event in by_type[type_])
    # The others are odd on purpose; errors are at times a bare text.
    assert objects > (0.8 if type_ == "event_error" else 0.9) * len(by_type[type_])


def test_a_bracketed_time_counts_from_the_start_of_the_call(by_type: ByType) -> None:
    stamp = re.compile(r"^\[(\d\d):(\d\d)\.(\d\d)\] ", re.MULTILINE)
    compared = 0
    for event in by_type["event_transcript"]:
        payload = event.get("payload")
        text = payload.get("transcript") if isinstance(payload, dict) else None
        stamps = stamp.findall(text) if isinstance(text, str) else []
        seconds = [int(m) * 60 + int(s) + int(c) / 100 for m, s, c in stamps]
        # After an hour it starts again at nothing.
        assert all(
            earlier < later or earlier - later > 3_000 for earlier, later in pairwise(seconds)
        )
        compared += len(seconds)
    assert compared > 1_000


def test_a_transcript_comes_in_parts_that_differ(by_type: ByType) -> None:
    parts: dict[str, set[str]] = defaultdict(set)
    for event in by_type["event_transcript"]:
        parts[event["call_id"]].add(json.dumps(event.get("payload")))
    assert sum(len(of_call) > 2 for of_call in parts.values()) > 20


def test_the_start_and_the_finish_of_an_action_share_its_id(by_type: ByType) -> None:
    phases: dict[str, set[str]] = defaultdict(set)
    for event in by_type["event_action"]:
        payload = event.get("payload")
        if isinstance(payload, dict) and "action_id" in payload:
            phases[payload["action_id"]].add(payload["event_type"])
    both = sum(of_action == {"action_start", "action_finish"} for of_action in phases.values())
    assert both > 0.9 * len(phases)


def test_a_few_calls_that_ended_leave_no_transcript(by_type: ByType) -> None:
    told = {event["call_id"] for event in by_type["event_transcript"]}
    ended = {event["call_id"] for event in by_type["event_phone_call_ended"]}
    assert 0 < len(ended - told) < 0.08 * len(ended)
