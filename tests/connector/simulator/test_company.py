"""The demo's company has a month that looks like one, the same each time, up to its end."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from statistics import mean
from typing import Any

import pytest

from fluents_connector.delivery import validate
from fluents_connector.simulator.company import AGENTS, DAYS, Company, TimedDelivery
from fluents_connector.simulator.company.rhythm import Rhythm, campaign, local_time

ENDS = datetime(2026, 11, 26, 15, 20, tzinfo=UTC)  # a Thursday
EVENTS = 6_000
NIGHT = {22, 23, 0, 1, 2, 3, 4, 5, 6}
RHYTHM = Rhythm(ENDS)

Event = dict[str, Any]


def month(
    events: int = EVENTS, *, seed: int = 0, ends_at: datetime = ENDS
) -> tuple[list[TimedDelivery], list[TimedDelivery]]:
    """The deliveries of the month, and those after it."""
    company = Company(events, seed=seed, ends_at=ends_at)
    return list(company.month()), company.under_way


def digest(deliveries: list[TimedDelivery]) -> str:
    return sha256(repr(deliveries).encode()).hexdigest()


@pytest.fixture(scope="module")
def deliveries() -> list[TimedDelivery]:
    return month()[0]


@pytest.fixture(scope="module")
def begins(deliveries: list[TimedDelivery]) -> list[datetime]:
    """When each call began, as the company's clocks show it."""
    first: dict[str, float] = {}
    for one in deliveries:
        first.setdefault(one.call_id, one.at)
    return [local_time(at) for at in first.values()]


@pytest.fixture(scope="module")
def calls(deliveries: list[TimedDelivery]) -> dict[str, list[tuple[float, Event]]]:
    """The events of each call with their times, without broken bodies and repeats."""
    found: dict[str, list[tuple[float, Event]]] = defaultdict(list)
    seen: set[bytes] = set()
    for one in deliveries:
        if one.body not in seen and is_event(one):
            found[one.call_id].append((one.at, json.loads(one.body)))
        seen.add(one.body)
    return found


def is_event(one: TimedDelivery) -> bool:
    return validate(one.body, webhook="x", received_at=0, event_id="").reason is None


def a_day(begins: list[datetime], days: set[int]) -> float:
    """Calls on a day of such weekdays, on average, without the holiday and the incident."""
    counts = Counter(begin.date() for begin in begins)
    for special in (RHYTHM.holiday, RHYTHM.incident):
        counts.pop(special)
    all_days = [ENDS.date() - timedelta(days=back) for back in range(1, DAYS)]
    return mean(counts[day] for day in all_days if day.weekday() in days)


def test_the_same_seed_and_end_give_the_same_deliveries_at_the_same_times() -> None:
    code = (
        "from tests.connector.simulator.test_company import digest, month\n"
        "print(digest(month(500, seed=3)[0]))"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert other.stdout.strip() == digest(month(500, seed=3)[0])
    assert digest(month(500, seed=4)[0]) != digest(month(500, seed=3)[0])


@pytest.mark.parametrize("events", [1, 7, 300])
def test_so_many_deliveries_come_as_were_asked_for(events: int) -> None:
    assert len(month(events)[0]) == events


@pytest.mark.parametrize(
    "ends_at",
    [ENDS, datetime(2026, 3, 29, 1, 0, 1, tzinfo=UTC), datetime(2026, 11, 1, 3, 59, tzinfo=UTC)],
    ids=["afternoon", "as summer time begins", "Sunday night"],
)
def test_deliveries_come_in_order_within_the_month_and_none_after_its_end(
    ends_at: datetime,
) -> None:
    for seed in range(3):
        during, after = month(800, seed=seed, ends_at=ends_at)
        assert during == sorted(during)
        assert ends_at.timestamp() - DAYS * 86_400 <= during[0].at
        assert during[-1].at <= ends_at.timestamp()
        assert all(one.at > ends_at.timestamp() for one in after)


def test_no_time_that_a_body_says_is_later_than_its_arrival(
    calls: dict[str, list[tuple[float, Event]]],
) -> None:
    told = 0
    for events in calls.values():
        for at, event in events:
            payload = event.get("payload")
            if event["type"] == "event_message" and isinstance(payload, dict):
                assert payload["timestamp"] <= at
                told += 1
    assert told > 100


def test_calls_that_are_under_way_at_the_end_go_on_after_it() -> None:
    during, after = month(1_000, seed=1)  # of which a call is under way then
    assert after
    assert {one.call_id for one in after} & {one.call_id for one in during}


def test_weekends_are_below_weekdays(begins: list[datetime]) -> None:
    assert 0 < a_day(begins, {5, 6}) < 0.3 * a_day(begins, {0, 1, 2, 3, 4})


def test_at_night_there_is_next_to_nothing_and_lunch_is_a_dip(begins: list[datetime]) -> None:
    hours = Counter(begin.hour for begin in begins)
    assert sum(hours[hour] for hour in NIGHT) < 0.02 * len(begins)
    assert hours[12] + hours[13] < 0.5 * min(hours[10] + hours[11], hours[14] + hours[15])


def test_the_holiday_is_quiet_and_the_incident_has_calls_and_errors(
    begins: list[datetime], calls: dict[str, list[tuple[float, Event]]]
) -> None:
    counts = Counter(begin.date() for begin in begins)
    assert 0 < counts[RHYTHM.holiday] < 0.2 * a_day(begins, {3})
    assert counts[RHYTHM.incident] > 1.2 * a_day(begins, {1})
    errors: Counter[date] = Counter()
    for events in calls.values():
        has_error = any(event["type"] == "event_error" for _, event in events)
        errors[local_time(events[0][0]).date()] += has_error
    assert errors.most_common(1)[0][0] == RHYTHM.incident


def test_what_comes_broken_is_refused_and_comes_whole_soon_after(
    deliveries: list[TimedDelivery],
) -> None:
    broken = [one for one in deliveries if not is_event(one)]
    assert 2 <= len(broken) < 0.01 * len(deliveries)
    for one in broken:
        assert local_time(one.at).date() == RHYTHM.incident
        whole = [other.body for other in deliveries if one.at < other.at <= one.at + 2]
        assert any(body.startswith(one.body) for body in whole)


def test_calls_take_minutes_and_their_events_seconds_or_minutes(
    calls: dict[str, list[tuple[float, Event]]],
) -> None:
    lengths = []
    for events in calls.values():
        at = {event["type"]: at for at, event in events}
        if {"event_phone_call_connected", "event_phone_call_ended"} <= at.keys():
            lengths.append(at["event_phone_call_ended"] - at["event_phone_call_connected"])
    assert 30 < mean(lengths) < 240
    assert max(lengths) > 300


def test_each_agent_has_its_numbers_and_its_webhook(
    deliveries: list[TimedDelivery], calls: dict[str, list[tuple[float, Event]]]
) -> None:
    webhooks = {one.call_id: one.webhook for one in deliveries}
    of_number = {number: agent for agent in AGENTS for number in agent.numbers}
    used = Counter()
    for call_id, ((_, event), *_) in calls.items():
        own = event["from_number"] if event["is_outgoing"] else event["to_number"]
        assert of_number[own].webhook == webhooks[call_id]
        used[own] += 1
    assert used.keys() == of_number.keys()
    assert len(set(webhooks.values())) == 2


def test_customers_call_again_and_campaigns_try_again(
    calls: dict[str, list[tuple[float, Event]]],
) -> None:
    called: Counter[str] = Counter()
    callers: Counter[str | None] = Counter()
    for (_, event), *_ in calls.values():
        if event["is_outgoing"]:
            called[event["to_number"]] += 1
        else:
            callers[event["from_number"]] += 1
    assert callers.pop(None) > 1  # withheld
    for numbers in (called, callers):
        assert mean(count > 1 for count in numbers.values()) > 0.3
        assert max(numbers.values()) >= 4


def test_campaigns_come_in_blocks_and_never_at_the_end_of_the_week(
    calls: dict[str, list[tuple[float, Event]]],
) -> None:
    blocks = Counter()
    for events in calls.values():
        at, event = events[0]
        if event["from_number"] in AGENTS[2].numbers:
            blocks[local_time(at - 25).hour] += 1
            assert local_time(at - 25).weekday() < 4
            assert event["from_number"] == AGENTS[2].numbers[campaign(at)]
    assert set(blocks) <= {9, 10, 11, 13, 14, 15, 16}


def test_transfers_are_asked_for_joined_and_failed(
    calls: dict[str, list[tuple[float, Event]]],
) -> None:
    text = json.dumps([[event for _, event in events] for events in calls.values()])
    assert re.search("action_transfer_call", text)
    assert re.search("joined the conference", text)
    assert re.search("did not join the conference", text)


def test_results_have_fields_that_mean_something_over_time(
    calls: dict[str, list[tuple[float, Event]]],
) -> None:
    found: list[tuple[datetime, dict[str, Any]]] = []
    for events in calls.values():
        for at, event in events:
            if event["type"] != "event_post_call_processing_completed":
                continue
            payload = event["payload"]
            result = payload["post_call_results"] if isinstance(payload, dict) else None
            text = result if isinstance(result, str) else json.dumps(result)
            text = text.removeprefix("```json\n").removesuffix("\n```")
            if text.startswith("{"):
                found.append((local_time(at), json.loads(text)))
    kinds = {
        key: {type(one[key]) for _, one in found if key in one} for _, one in found for key in one
    }
    assert kinds["sold"] == {bool}
    assert kinds["satisfaction"] == {int}
    assert kinds["topic"] == {str}
    assert kinds["tags"] == {list}
    sold = [one["sold"] for _, one in found if "sold" in one]
    assert 0.05 < mean(sold) < 0.4
    on_incident = [
        one["satisfaction"]
        for at, one in found
        if "satisfaction" in one and RHYTHM.in_incident(at.timestamp())
    ]
    on_others = [one["satisfaction"] for _, one in found if "satisfaction" in one]
    assert mean(on_incident) < mean(on_others) - 1


def test_calls_after_the_month_begin_when_they_are_asked_for() -> None:
    company = Company(100, seed=0, ends_at=ENDS)
    ids = {one.call_id for one in company.month()}
    at = ENDS.timestamp() + 60
    for _ in range(30):
        one, *rest = company.call_at(at)
        assert at < one.at < at + 900  # the first event may be lost
        assert one.call_id not in ids
        assert all(earlier.at <= later.at for earlier, later in pairwise([one, *rest]))
        ids.add(one.call_id)


def test_an_end_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Company(10, seed=0, ends_at=datetime(2026, 1, 1))
