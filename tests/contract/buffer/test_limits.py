"""A buffer that has a limit refuses more when it is reached, and takes more after a load."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from fluents_connector.buffer import Buffer, Limits
from fluents_connector.delivery import validate
from fluents_connector.errors import BufferFull
from tests.contract.buffer.implementations import Place
from tests.deliveries import START, Clock, append_all, body, delivery, whole


def now_microseconds() -> int:
    return time.time_ns() // 1000


def fill(buffer: Buffer, *, size: int = 1, received_at: int | None = None) -> int:
    """Appends until the buffer is full; returns how many it took."""
    for n in range(10_000):
        content = body("event_error", f"{n} " + "x" * size)
        try:
            buffer.append(delivery(content, received_at=received_at or now_microseconds()))
        except BufferFull:
            return n
    raise AssertionError("never full")


def test_rows_count_until_they_are_loaded(place: Place) -> None:
    with closing(place(Limits(rows=3)).open()) as buffer:
        assert fill(buffer) == 3
        assert buffer.counts().received == 3
        buffer.confirm(2)
        buffer.append(delivery(body("event_error", "one more")))
        buffer.append(delivery(body("event_error", "and one")))
        with pytest.raises(BufferFull, match=r"3 deliveries wait .*buffer_max_rows is 3"):
            buffer.append(delivery(body("event_error", "too many")))


def test_a_buffer_at_its_limit_makes_room_by_discarding_what_is_loaded(place: Place) -> None:
    with closing(place(Limits(bytes=2 * 1024**2)).open()) as buffer:
        assert fill(buffer, size=50_000) > 10
        with pytest.raises(BufferFull, match="buffer_max_bytes"):
            buffer.check()
        assert buffer.discard(loaded_before=0, quarantined_before=0) == 0  # nothing is loaded
        buffer.confirm(buffer.counts().last_position)
        assert buffer.discard(loaded_before=0, quarantined_before=0) > 0
        buffer.check()
        assert fill(buffer, size=50_001) > 5


def test_refused_bodies_shut_out_nothing_once_they_are_loaded_and_no_longer(place: Place) -> None:
    limit = 2 * 1024**2
    with closing(place(Limits(bytes=limit)).open()) as buffer:
        for n in range(10):
            buffer.append(delivery(b"x" * 1024**2, bits=n))
            buffer.confirm(buffer.counts().last_position)
            buffer.discard(loaded_before=0, quarantined_before=0)
        assert buffer.counts().quarantine_bytes == 10 * 1024**2
        buffer.append(delivery(body("event_error", "still taken")))
        # duplicates are recognised still: refused bodies take nothing from loaded events
        buffer.confirm(buffer.counts().last_position)
        buffer.discard(loaded_before=0, quarantined_before=0)
        again = buffer.append(delivery(body("event_error", "still taken"), bits=99))
        assert again.duplicate_of is not None
        buffer.append(delivery(b"y" * limit, bits=100))
        with pytest.raises(BufferFull, match="buffer_max_bytes"):
            buffer.append(delivery(body("event_error", "waits")))
        buffer.confirm(buffer.counts().last_position)
        buffer.append(delivery(body("event_error", "waits")))


@pytest.mark.parametrize("is_loaded", [True, False], ids=["loaded", "pending"])
def test_what_is_dropped_or_retried_goes_once_it_is_loaded(place: Place, is_loaded: bool) -> None:
    with closing(place().open()) as buffer:
        dropped, retried = append_all(buffer, [b"x" * 1000, b"y" * 1000], Clock())
        if is_loaded:
            buffer.confirm(2)
        buffer.drop(dropped.event_id)
        repaired = validate(
            body("event_error", "repaired"),
            webhook="main",
            received_at=START,
            event_id=retried.event_id,
        )
        buffer.retry(repaired)
        if not is_loaded:
            assert len(whole(buffer).rows) == 3
            buffer.confirm(2)
            assert buffer.discard(loaded_before=0, quarantined_before=0) == 2
        assert [row[0] for row in whole(buffer).rows] == [3]
        counts = buffer.counts()
        assert (counts.received, counts.quarantined, counts.pending) == (2, 1, 1)
        assert counts.quarantine_bytes == 0


def test_a_flood_of_refused_bodies_has_a_bound_and_shuts_out_no_event(place: Place) -> None:
    with closing(place(Limits(refused_bytes=10_000)).open()) as buffer:
        for n in range(100):
            buffer.append_all([delivery(b"x" * 999, bits=2 * n), delivery(b"y", bits=2 * n + 1)])
        buffer.append(delivery(body("event_error", "still taken")))
        counts = buffer.counts()
        assert (counts.quarantined, counts.pending) == (200, 1)
        assert 9_000 < counts.quarantine_bytes <= 10_000
        newest = buffer.quarantined(1)[0]
        assert newest.reason == "not_json"
        assert newest.body is None
        assert "quarantine_max_bytes" in str(newest.detail)
        buffer.confirm(201)
        for refused in buffer.quarantined(100):
            buffer.drop(refused.event_id)
        for refused in buffer.quarantined(100):
            buffer.drop(refused.event_id)
        assert buffer.counts().quarantine_bytes == 0
        buffer.append(delivery(b"kept again", bits=1000))
        assert buffer.quarantined(1)[0].body == b"kept again"


def test_a_buffer_that_loads_all_of_it_again_counts_only_what_it_keeps(place: Place) -> None:
    with closing(place(Limits(rows=5)).open()) as buffer:
        for n in range(20):
            buffer.append(delivery(body("event_error", n), received_at=START + n))
            buffer.confirm(n + 1)
        buffer.discard(loaded_before=START + 18, quarantined_before=0)
        buffer.renew()
        buffer.append(delivery(body("event_error", "taken")))


def test_what_waits_too_long_stops_the_intake(place: Place) -> None:
    with closing(place(Limits(age_hours=1)).open()) as buffer:
        now = now_microseconds()
        assert fill(buffer, received_at=now - 3601 * 1_000_000) == 1
        buffer.confirm(1)
        buffer.append(delivery(body("event_error", "fresh"), received_at=now))
