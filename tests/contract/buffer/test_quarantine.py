"""What a buffer promises of the deliveries that it was given as refused."""

from __future__ import annotations

from fluents_connector.buffer import Quarantine, Receipt, StagingBuffer
from fluents_connector.delivery import validate
from tests.contract.buffer.expected import GOOD
from tests.deliveries import START, Clock, append_all, body, whole


def test_refused_deliveries_are_found_newest_first_and_by_the_beginning_of_an_id(
    buffer: StagingBuffer, clock: Clock
) -> None:
    receipts = append_all(buffer, [b"first", GOOD[0], b"second", b"third"], clock)
    assert [refused.body for refused in buffer.quarantined(2)] == [b"third", b"second"]
    assert len(buffer.quarantined(10)) == 3
    first = buffer.quarantined_delivery(receipts[0].event_id)
    assert first is not None
    assert (first.body, first.reason) == (b"first", "not_json")
    assert buffer.quarantined_delivery(receipts[0].event_id[:13]) == first
    assert buffer.quarantined_delivery(receipts[0].event_id[:6]) is None  # several
    assert buffer.quarantined_delivery(receipts[1].event_id) is None  # not refused
    assert buffer.quarantined_delivery("%") is None


def test_a_refusal_is_settled_once(buffer: StagingBuffer, clock: Clock) -> None:
    retried, dropped = append_all(buffer, [b"first", b"second"], clock)
    repaired = validate(GOOD[0], webhook="main", received_at=START, event_id=retried.event_id)
    quarantine: Quarantine = buffer
    assert quarantine.retry(repaired) == Receipt(retried.event_id, None)
    assert quarantine.retry(repaired) is None
    assert not quarantine.drop(retried.event_id)
    assert quarantine.drop(dropped.event_id)
    assert not quarantine.drop(dropped.event_id)
    assert quarantine.quarantined(10) == []
    assert quarantine.quarantined_delivery(retried.event_id) is None
    counts = buffer.counts()
    assert (counts.received, counts.quarantined, counts.pending) == (2, 1, 1)


def test_what_is_repaired_may_repeat_an_event(buffer: StagingBuffer, clock: Clock) -> None:
    first, refused = append_all(buffer, [body("event_error", "same"), b"bad"], clock)
    repaired = validate(
        body("event_error", "same"), webhook="main", received_at=START, event_id=refused.event_id
    )
    assert buffer.retry(repaired) == Receipt(refused.event_id, first.event_id)
    assert whole(buffer).rows[-1].duplicate_of == first.event_id
    counts = buffer.counts()
    assert (counts.received, counts.duplicates, counts.quarantined) == (2, 1, 0)
