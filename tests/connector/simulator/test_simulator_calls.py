"""What the simulator tells of calls reads like the calls of a voice-agent account."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from itertools import islice, pairwise
from typing import Any

import pytest

from fluents_connector.simulator import simulate
from fluents_connector.simulator.talk import Turn
from fluents_connector.simulator.transcripts import Style, render

TAKEN = 20_000

Event = dict[str, Any]


def payload_of(event: Event) -> dict[str, Any]:
    payload = event.get("payload")
    return payload if isinstance(payload, dict) else {}


def says_when(event: Event) -> bool:
    return "timestamp" in payload_of(event)


def transcript_of(event: Event) -> str:
    text = payload_of(event).get("transcript")
    return text if isinstance(text, str) else ""


@pytest.fixture(scope="module")
def calls() -> dict[str, list[Event]]:
    """The events of each call, without repeats, of calls that surely ended in what was taken."""
    found: dict[str, list[Event]] = defaultdict(list)
    under_way: set[str] = set()
    for position, delivery in enumerate(islice(simulate(), TAKEN)):
        if not delivery.is_repeat:
            found[delivery.call_id].append(json.loads(delivery.body))
        if position > TAKEN // 2:
            under_way.add(delivery.call_id)
    return {call_id: found[call_id] for call_id in found.keys() - under_way}


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return [json.loads(delivery.body) for delivery in islice(simulate(), TAKEN)]


def test_events_of_a_call_come_out_of_order(calls: dict[str, list[Event]]) -> None:
    swapped = 0
    for events in calls.values():
        times = [
            payload_of(event)["timestamp"]
            for event in events
            if event["type"] == "event_message" and says_when(event)
        ]
        swapped += sum(later < earlier for earlier, later in pairwise(times))
    assert swapped >= 50


def test_a_call_can_end_before_its_last_message_arrives(calls: dict[str, list[Event]]) -> None:
    orders = [[event["type"] for event in events] for events in calls.values()]
    assert any(
        "event_message" in order[order.index("event_phone_call_ended") :]
        for order in orders
        if "event_phone_call_ended" in order
    )


def test_calls_come_in_realistic_proportions(calls: dict[str, list[Event]]) -> None:
    types = [{event["type"] for event in events} for events in calls.values()]
    unanswered = sum("event_phone_call_did_not_connect" in of_call for of_call in types)
    machines = sum(
        any(payload_of(event).get("result") == "no_human" for event in events)
        for events in calls.values()
    )
    outgoing = [events[0]["is_outgoing"] for events in calls.values() if "is_outgoing" in events[0]]
    assert 0.10 < unanswered / len(calls) < 0.21
    assert 0.06 < machines / len(calls) < 0.15
    assert 0.55 < sum(outgoing) / len(outgoing) < 0.75


def test_a_call_that_did_not_connect_says_nothing(calls: dict[str, list[Event]]) -> None:
    for events in calls.values():
        types = {event["type"] for event in events}
        if "event_phone_call_did_not_connect" in types:
            assert types <= {"event_phone_call_did_not_connect", "event_error"}


@pytest.mark.parametrize(
    ("comes", "misses"),
    [
        ("event_phone_call_ended", "event_phone_call_connected"),
        ("event_phone_call_connected", "event_phone_call_ended"),
    ],
    ids=["without-start", "without-end"],
)
def test_some_calls_lack_an_event(calls: dict[str, list[Event]], comes: str, misses: str) -> None:
    types = [{event["type"] for event in events} for events in calls.values()]
    lacking = sum(comes in of_call and misses not in of_call for of_call in types)
    assert 0 < lacking / len(types) < 0.05


def test_what_the_messages_of_a_call_say_is_in_its_transcript(
    calls: dict[str, list[Event]],
) -> None:
    compared = 0
    for events in calls.values():
        transcripts = [event for event in events if event["type"] == "event_transcript"]
        whole = "\n".join(map(transcript_of, transcripts))
        if not transcripts or not all(map(transcript_of, transcripts)):
            continue
        for event in events:
            if event["type"] == "event_message" and payload_of(event).get("sender") == "human":
                assert payload_of(event)["text"] in whole
                compared += 1
    assert compared > 1_000


def test_lengths_go_from_one_line_to_hundreds(events: list[Event]) -> None:
    lines = [transcript_of(event).count("\n") + 1 for event in events if transcript_of(event)]
    assert min(lines) == 1
    assert max(lines) > 200
    assert 8 < sum(lines) / len(lines) < 40


def test_conversations_vary(calls: dict[str, list[Event]]) -> None:
    wholes = [
        re.sub(r"\[[\d:.]+\] ", "", transcript_of(event))
        for events in calls.values()
        for event in events
        if transcript_of(event).count("\n") > 8
    ]
    assert len(set(wholes)) > 0.99 * len(wholes)


def test_no_fact_is_left_out_of_what_is_said(events: list[Event]) -> None:
    unfilled = re.compile(r"\{[a-z_]*\}")
    for event in events:
        if event["type"] == "event_message":
            assert not unfilled.search(json.dumps(event["payload"], ensure_ascii=False))


@pytest.mark.parametrize("mark", ["ñ", "ß", "ç", "ã", "、", "ال", "😊", "📦"])
def test_languages_and_emoji_occur(events: list[Event], mark: str) -> None:
    assert any(mark in transcript_of(event) for event in events)


def test_the_minutes_of_a_transcript_start_again_after_an_hour() -> None:
    turns = [Turn("human", "Still here.", 59 * 60 + 59.99), Turn("bot", "So am I.", 3_723.4)]
    style = Style("timed", "header", " ")
    assert render(turns, style) == "[59:59.99] HUMAN: Still here.\n[02:03.40] BOT: So am I."
