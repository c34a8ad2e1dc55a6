"""The simulated stream keeps its promises: same bytes, good bodies, honest repeats."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fluents_connector
from fluents_connector.simulator import STARTED_AT, SimulatedDelivery, simulate

TAKEN = 20_000
TEN_TYPES = {
    "event_message",
    "event_action",
    "event_transcript",
    "event_error",
    "event_recording",
    "event_human_detection",
    "event_phone_call_did_not_connect",
    "event_phone_call_connected",
    "event_phone_call_ended",
    "event_post_call_processing_completed",
}
MAY_BE_EQUAL = {"event_message", "event_action"}

Event = dict[str, Any]


def take(
    count: int, *, seed: int = 0, started_at: datetime | None = None
) -> list[SimulatedDelivery]:
    return list(islice(simulate(seed=seed, started_at=started_at), count))


def payload_of(event: Event) -> dict[str, Any]:
    payload = event.get("payload")
    return payload if isinstance(payload, dict) else {}


def says_when(event: Event) -> bool:
    return "timestamp" in payload_of(event)


@pytest.fixture(scope="module")
def deliveries() -> list[SimulatedDelivery]:
    return take(TAKEN)


@pytest.fixture(scope="module")
def events(deliveries: list[SimulatedDelivery]) -> list[Event]:
    return [json.loads(delivery.body) for delivery in deliveries]


def test_the_same_seed_gives_the_same_deliveries() -> None:
    assert take(3_000, seed=7) == take(3_000, seed=7)


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "from hashlib import sha256; from itertools import islice\n"
        "from fluents_connector.simulator import simulate\n"
        "bodies = (delivery.body for delivery in islice(simulate(seed=7), 3_000))\n"
        "print(sha256(b'\\n'.join(bodies)).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(fluents_connector.__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        check=True,
        text=True,
    )
    bodies = b"\n".join(delivery.body for delivery in take(3_000, seed=7))
    assert other.stdout.strip() == sha256(bodies).hexdigest()


def test_different_seeds_share_no_call() -> None:
    ids = [{delivery.call_id for delivery in take(2_000, seed=seed)} for seed in range(4)]
    assert len(set().union(*ids)) == sum(map(len, ids))


def test_without_a_start_the_clock_begins_at_the_documented_time() -> None:
    assert take(500) == take(500, started_at=STARTED_AT)


def test_the_start_moves_the_times_in_the_bodies() -> None:
    began = datetime(2031, 3, 4, 5, 6, tzinfo=UTC)
    bodies = [json.loads(delivery.body) for delivery in take(3_000, started_at=began)]
    times = [
        payload_of(body)["timestamp"]
        for body in bodies
        if body["type"] == "event_message" and says_when(body)
    ]
    assert began.timestamp() <= min(times) < began.timestamp() + 120


def test_a_start_without_a_time_zone_is_refused_before_the_first_delivery() -> None:
    with pytest.raises(ValueError, match="time zone"):
        simulate(started_at=datetime(2026, 1, 1))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(),
    started_at=st.datetimes(
        min_value=datetime(1990, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC)
    ),
)
def test_every_body_is_an_event_whatever_the_seed(seed: int, started_at: datetime) -> None:
    for delivery in take(400, seed=seed, started_at=started_at):
        event = json.loads(delivery.body.decode("utf-8"))
        assert isinstance(event, dict)
        assert (event["call_id"], event["type"]) == (delivery.call_id, delivery.type)
        assert delivery.call_id
        assert delivery.type
        assert isinstance(event.get("is_outgoing", True), bool)


def test_every_text_can_be_written_as_utf_8(events: list[Event]) -> None:
    # A lone surrogate would pass as JSON, and be refused by every database.
    for event in events:
        json.dumps(event, ensure_ascii=False).encode()


def test_every_one_of_the_ten_types_occurs_in_a_thousand_calls() -> None:
    seen: dict[str, set[str]] = defaultdict(set)
    calls: set[str] = set()
    for delivery in simulate():
        calls.add(delivery.call_id)
        seen[delivery.type].add(delivery.call_id)
        if len(calls) == 1_000:
            break
    assert seen.keys() >= TEN_TYPES
    assert all(len(seen[type_]) >= 10 for type_ in TEN_TYPES)


def test_a_repeat_is_an_earlier_body_byte_for_byte(deliveries: list[SimulatedDelivery]) -> None:
    earlier: dict[bytes, SimulatedDelivery] = {}
    for delivery in deliveries:
        if delivery.is_repeat:
            first = earlier[delivery.body]
            assert (first.call_id, first.type) == (delivery.call_id, delivery.type)
        earlier.setdefault(delivery.body, delivery)


def test_about_two_in_a_hundred_deliveries_are_repeats(
    deliveries: list[SimulatedDelivery],
) -> None:
    repeats = sum(delivery.is_repeat for delivery in deliveries)
    assert 0.015 < repeats / len(deliveries) < 0.025


def test_some_deliveries_come_a_third_time(deliveries: list[SimulatedDelivery]) -> None:
    repeats = Counter(delivery.body for delivery in deliveries if delivery.is_repeat)
    assert max(repeats.values()) >= 2


def test_a_message_or_action_that_says_no_time_is_never_repeated(
    deliveries: list[SimulatedDelivery], events: list[Event]
) -> None:
    for delivery, event in zip(deliveries, events, strict=True):
        if delivery.is_repeat and delivery.type in MAY_BE_EQUAL:
            assert says_when(event)


def test_what_is_no_repeat_is_new_unless_it_may_happen_twice(
    deliveries: list[SimulatedDelivery], events: list[Event]
) -> None:
    seen: set[bytes] = set()
    real_twins = 0
    for delivery, event in zip(deliveries, events, strict=True):
        if delivery.is_repeat:
            continue
        if delivery.type in MAY_BE_EQUAL and not says_when(event):
            real_twins += delivery.body in seen
        else:
            assert delivery.body not in seen
        seen.add(delivery.body)
    assert real_twins > 0


def test_calls_are_interleaved(deliveries: list[SimulatedDelivery]) -> None:
    for start in range(1_000, TAKEN, 5_000):
        assert len({delivery.call_id for delivery in deliveries[start : start + 200]}) > 15


def test_messages_of_different_calls_come_out_of_order(events: list[Event]) -> None:
    said = [
        (payload_of(event)["timestamp"], event["call_id"])
        for event in events
        if event["type"] == "event_message" and says_when(event)
    ]
    assert any(
        later_at < at and later_call != call
        for (at, call), (later_at, later_call) in pairwise(said)
    )


@pytest.mark.attack
def test_memory_stays_bounded_however_many_are_taken() -> None:
    stream = simulate()
    tracemalloc.start()
    try:
        next(islice(stream, 5_000, None))
        after_some, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        next(islice(stream, 25_000, None))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < after_some + 4_000_000


@pytest.mark.parametrize(
    "is_so",
    [bytes.isascii, lambda body: not body.isascii()],
    ids=["escaped", "utf-8"],
)
def test_json_is_written_in_both_ways(
    deliveries: list[SimulatedDelivery], is_so: Callable[[bytes], bool]
) -> None:
    foreign = [
        delivery.body
        for delivery in deliveries
        if not json.dumps(json.loads(delivery.body), ensure_ascii=False).isascii()
    ]
    assert sum(map(is_so, foreign)) > 0.2 * len(foreign)
