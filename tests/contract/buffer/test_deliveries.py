"""What a staging buffer promises: append, read, confirm, discard and count."""

from __future__ import annotations

import uuid
from contextlib import closing

import pytest

from fluents_connector.buffer import Buffer, BufferStore, Receipt
from fluents_connector.errors import BufferUnavailable
from tests.contract.buffer.expected import GOOD, stored
from tests.deliveries import START, Clock, append_all, body, delivery, whole

EVER = 2**62
MANY = 2_001  # more than one transaction of any engine deletes


def positions(buffer: Buffer, *limits: int, **more: int) -> tuple[list[int], int]:
    after, up_to = limits
    batch = buffer.read(after, up_to, **{"max_rows": 100, "max_bytes": 10**6} | more)
    return [row.position for row in batch.rows], batch.up_to


def test_a_delivery_is_read_as_it_was_appended(buffer: Buffer) -> None:
    good, bad = delivery(GOOD[0], bits=1), delivery(b"\xff", bits=2, webhook="other")
    assert buffer.append(good) == Receipt(good.event_id, None)
    assert buffer.append(bad) == Receipt(bad.event_id, None)
    batch = whole(buffer)
    assert (batch.buffer_id, batch.after, batch.up_to) == (buffer.buffer_id, 0, 2)
    assert batch.rows == [stored(1, good, None), stored(2, bad, None)]
    assert uuid.UUID(buffer.buffer_id).version == 4


def test_a_batch_holds_what_its_limits_allow(buffer: Buffer, clock: Clock) -> None:
    append_all(buffer, GOOD, clock)
    size = len(GOOD[0])
    assert positions(buffer, 0, 5) == ([1, 2, 3, 4, 5], 5)
    assert positions(buffer, 1, 4) == ([2, 3, 4], 4)
    assert positions(buffer, 0, 5, max_rows=2) == ([1, 2], 2)
    assert positions(buffer, 0, 5, max_rows=5) == ([1, 2, 3, 4, 5], 5)
    assert positions(buffer, 0, 5, max_bytes=size * 3) == ([1, 2, 3], 3)
    assert positions(buffer, 0, 5, max_bytes=size * 3 - 1) == ([1, 2], 2)
    assert positions(buffer, 2, 5, max_bytes=1) == ([3], 3)  # at least one
    assert positions(buffer, 4, 5, max_bytes=1) == ([5], 5)
    assert positions(buffer, 5, 5) == ([], 5)


def test_the_last_position_tells_what_has_arrived_whoever_stored_it(
    store: BufferStore, buffer: Buffer, clock: Clock
) -> None:
    assert buffer.last_position() == 0
    append_all(buffer, [GOOD[0], GOOD[0], b"bad"], clock)
    assert buffer.last_position() == 3
    with closing(store.open()) as another:
        append_all(another, [GOOD[1]], clock)
    assert buffer.last_position() == buffer.counts().last_position == 4
    buffer.confirm(4)
    buffer.discard(loaded_before=EVER, quarantined_before=EVER)
    assert buffer.last_position() == 4  # a position is never given again
    buffer.renew()
    assert buffer.last_position() == 4


def test_a_gap_that_was_discarded_does_not_end_a_batch(buffer: Buffer, clock: Clock) -> None:
    append_all(buffer, [*GOOD, b"bad"], clock)
    buffer.confirm(6)
    assert buffer.discard(loaded_before=EVER, quarantined_before=0) == 5
    assert positions(buffer, 0, 6) == ([6], 6)
    assert positions(buffer, 0, 5) == ([], 5)


def test_a_repeated_body_names_the_first_also_after_reopening(
    store: BufferStore, buffer: Buffer, clock: Clock
) -> None:
    first, second = append_all(buffer, [GOOD[0]] * 2, clock)
    assert second.duplicate_of == first.event_id
    with closing(store.open()) as reopened:
        assert reopened.buffer_id == buffer.buffer_id
        (third,) = append_all(reopened, [GOOD[0]], clock)
    assert third.duplicate_of == first.event_id
    assert [row.duplicate_of for row in whole(buffer).rows] == [
        None,
        first.event_id,
        first.event_id,
    ]


def test_a_body_that_was_discarded_is_new_again(buffer: Buffer, clock: Clock) -> None:
    append_all(buffer, [GOOD[0]] * 2, clock)
    buffer.confirm(2)
    assert buffer.discard(loaded_before=EVER, quarantined_before=0) == 2
    again, repeated = append_all(buffer, [GOOD[0]] * 2, clock)
    assert again.duplicate_of is None
    assert repeated.duplicate_of == again.event_id


@pytest.mark.parametrize("type_", ["event_message", "event_action"])
def test_equal_events_without_time_or_id_are_both_stored(
    buffer: Buffer, clock: Clock, type_: str
) -> None:
    receipts = append_all(buffer, [body(type_, {"text": "yes"})] * 3, clock)
    assert [receipt.duplicate_of for receipt in receipts] == [None] * 3
    assert buffer.counts().pending == 3


def test_a_repeated_body_in_quarantine_is_no_duplicate(buffer: Buffer, clock: Clock) -> None:
    receipts = append_all(buffer, [b"bad", b"bad"], clock)
    assert [receipt.duplicate_of for receipt in receipts] == [None] * 2
    assert (buffer.counts().quarantined, buffer.counts().duplicates) == (2, 0)


def test_only_what_is_confirmed_and_old_enough_is_discarded(buffer: Buffer, clock: Clock) -> None:
    append_all(buffer, [GOOD[0], b"bad", GOOD[1], b"worse", GOOD[2]], clock)
    assert buffer.discard(loaded_before=EVER, quarantined_before=EVER) == 0
    buffer.confirm(4)
    second = 1_000_000
    assert buffer.discard(loaded_before=START, quarantined_before=START + second) == 0
    assert buffer.discard(loaded_before=START + second, quarantined_before=0) == 1
    assert positions(buffer, 0, 5) == ([2, 3, 4, 5], 5)
    assert buffer.discard(loaded_before=0, quarantined_before=EVER) == 2
    assert positions(buffer, 0, 5) == ([3, 5], 5)


def test_more_than_one_transactions_worth_is_discarded(buffer: Buffer) -> None:
    receipts = buffer.append_all([delivery(b"bad", bits=bits) for bits in range(MANY)])
    assert len({receipt.event_id for receipt in receipts}) == MANY
    buffer.confirm(MANY)
    assert buffer.discard(loaded_before=0, quarantined_before=EVER) == MANY
    assert positions(buffer, 0, MANY) == ([], MANY)


def test_a_closed_buffer_is_unavailable(buffer: Buffer) -> None:
    buffer.close()
    for use in (buffer.check, buffer.counts, lambda: buffer.append(delivery(GOOD[0]))):
        with pytest.raises(BufferUnavailable):
            use()
