"""What became of each call, by docs/figures.md."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import inf
from typing import NamedTuple
from zoneinfo import ZoneInfo

from fluents_connector.settings import Settings
from tests.second_count.conversations import turns
from tests.second_count.events import Event, fact, plain, value
from tests.second_count.texts import Utterance, utterances

TRANSCRIPTS = {"event_transcript", "event_transcript_complete"}
SPELLINGS = {"cancelled": "canceled", "declined": "rejected", "user_busy": "busy"}
ANSWERS = {"human", "no_human"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Call(NamedTuple):
    """One call. None says that no event tells; `duration` is in seconds, `cost` in your currency.

    `day`, `weekday` (1 for Monday) and `hour` are those of the first event, in `time_zone`.
    """

    call_id: str
    day: date
    weekday: int
    hour: int
    direction: str
    webhook: str
    agent: str
    outcome: str
    is_inferred: bool
    reason: str | None
    human_turns: int | None
    duration: float | None
    is_stated: bool
    cost: float | None
    has_error: bool
    has_transfer: bool
    has_result: bool

    @property
    def is_connected(self) -> bool:
        return self.outcome in ("human", "no_human", "connected")

    @property
    def is_engaged(self) -> bool:
        return self.outcome == "human" and self.human_turns is not None and self.human_turns > 3


def calls(events: list[Event], settings: Settings) -> list[Call]:
    """The calls of `events`, which are in the order of receipt; duplicates tell nothing."""
    of_call = defaultdict(list)
    for event in events:
        if event.duplicate_of is None:
            of_call[event.call_id].append(event)
    return [_call(own, settings) for own in of_call.values()]


def _call(events: list[Event], settings: Settings) -> Call:
    first, names = events[0], settings.payload_fields
    by_type = defaultdict(list)
    for event in events:
        by_type[event.type].append(event)
    connected = by_type["event_phone_call_connected"]
    ended = by_type["event_phone_call_ended"]
    refused = by_type["event_phone_call_did_not_connect"]
    said = turns(
        (event.received_at, utterances(event.payload, names))
        for event in events
        if event.type in TRANSCRIPTS
    )
    outcome, is_inferred = _outcome(
        [
            fact(event.payload, names["human_detection"])
            for event in by_type["event_human_detection"]
        ],
        said,
        has_connected=bool(connected),
        was_refused=bool(refused),
    )
    is_outgoing = next((one.is_outgoing for one in events if one.is_outgoing is not None), None)
    direction = {True: "outbound", False: "inbound", None: "unknown"}[is_outgoing]
    agent = settings.agents.get(_own_number(events, is_outgoing, names) or "")
    agent = agent or settings.agents.get(first.webhook, "unknown")
    stated = [_amount(value(event.payload, names["stated_minutes"])) for event in ended]
    stated = [minutes for minutes in stated if minutes is not None]
    duration, is_stated = None, bool(stated) and stated[-1] > 0
    if is_stated:
        duration = stated[-1] * 60
    elif connected and ended and connected[0].received_at <= ended[0].received_at:
        duration = (ended[0].received_at - connected[0].received_at) / 1_000_000
    prices = settings.cost_per_minute
    price = prices.get(agent, prices.get(direction, prices.get("default")))
    reasons = [fact(event.payload, names["did_not_connect_reason"]) for event in refused]
    local = (EPOCH + timedelta(microseconds=first.received_at)).astimezone(
        ZoneInfo(settings.time_zone)
    )
    return Call(
        call_id=first.call_id,
        day=local.date(),
        weekday=local.isoweekday(),
        hour=local.hour,
        direction=direction,
        webhook=first.webhook,
        agent=agent,
        outcome=outcome,
        is_inferred=is_inferred,
        reason=next((_reason(str(reason)) for reason in reasons if reason is not None), None),
        human_turns=_human_turns(said),
        duration=duration,
        is_stated=is_stated,
        cost=None if duration is None or price is None else duration / 60 * price,
        has_error=bool(by_type["event_error"]),
        has_transfer=any(
            "transfer" in _action_type(event, names) for event in by_type["event_action"]
        ),
        has_result=any(
            _has_result(event, names) for event in by_type["event_post_call_processing_completed"]
        ),
    )


def _outcome(
    detected: list[object], said: list[Utterance], *, has_connected: bool, was_refused: bool
) -> tuple[str, bool]:
    """The first rule that holds, and whether the transcript alone decides."""
    if was_refused and not has_connected:
        return "did_not_connect", False
    known = [word for word in (str(one).casefold() for one in detected) if word in ANSWERS]
    if known:
        return known[-1], False
    human = [place for place, turn in enumerate(said) if turn.speaker == "human"]
    if any(said[i].speaker == "bot" for a, b in pairwise(human) for i in range(a, b)):
        return "human", True
    if has_connected or human:
        return "connected", not has_connected
    return "unknown", False


def _human_turns(said: list[Utterance]) -> int | None:
    if all(turn.speaker == "unknown" for turn in said):
        return None
    return sum(turn.speaker == "human" for turn in said)


def _own_number(
    events: list[Event], is_outgoing: bool | None, names: dict[str, list[str]]
) -> str | None:
    """The caller's number of outbound calls, the called one of inbound calls: the first known."""
    if is_outgoing is None:
        return None
    side = "from_number" if is_outgoing else "to_number"
    stated = (
        getattr(one, side)
        or (one.type == "event_phone_call_connected" and value(one.payload, names[side]))
        for one in events
    )
    return next((number for number in stated if number), None)


def _amount(stated: object) -> float | None:
    """A number, which a text may say too; None for what is below 0 or no number."""
    try:
        number = float(stated)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if 0 <= number < inf else None


def _reason(stated: str) -> str:
    word = "_".join(re.split(r"[\s_-]+", stated.strip().casefold()))
    return SPELLINGS.get(word, word)


def _action_type(event: Event, names: dict[str, list[str]]) -> str:
    if not isinstance(event.payload, dict):
        return ""
    kind = value(event.payload, names["action_type"]) or value(event.payload, names["action_name"])
    return str(plain(kind) or "").casefold()


def _has_result(event: Event, names: dict[str, list[str]]) -> bool:
    """Whether it has a result that is no blank text."""
    found = event.payload
    if isinstance(found, dict):
        found = value(found, names["post_call"])
    return bool(found.strip()) if isinstance(found, str) else found is not None
