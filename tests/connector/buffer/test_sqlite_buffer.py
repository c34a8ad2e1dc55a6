"""What a staging buffer promises: append, read, confirm, discard and count."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from fluents_connector.buffer import Receipt, SqliteBuffer, StoredDelivery
from fluents_connector.buffer.sqlite.buffer import DISCARD_ROWS
from fluents_connector.buffer.sqlite.file import APPLICATION_ID, USER_VERSION
from fluents_connector.delivery import Delivery
from tests.deliveries import START, Clock, append_all, body, delivery, whole

GOOD = [body("event_error", {"message": str(number)}) for number in range(5)]
EVER = 2**62


def stored(position: int, delivery: Delivery, duplicate_of: str | None) -> StoredDelivery:
    fields = {name: getattr(delivery, name, None) for name in StoredDelivery._fields}
    return StoredDelivery(**fields | {"position": position, "duplicate_of": duplicate_of})


def positions(buffer: SqliteBuffer, *limits: int, **more: int) -> tuple[list[object], int]:
    after, up_to = limits
    batch = buffer.read(after, up_to, **{"max_rows": 100, "max_bytes": 10**6} | more)
    return [row[0] for row in batch.rows], batch.up_to


def test_a_delivery_is_read_as_it_was_appended(buffer: SqliteBuffer) -> None:
    good, bad = delivery(GOOD[0], bits=1), delivery(b"\xff", bits=2, webhook="other")
    assert buffer.append(good) == Receipt(good.event_id, None)
    assert buffer.append(bad) == Receipt(bad.event_id, None)
    batch = whole(buffer)
    assert (batch.buffer_id, batch.after, batch.up_to) == (buffer.buffer_id, 0, 2)
    assert batch.rows == [stored(1, good, None), stored(2, bad, None)]
    assert uuid.UUID(buffer.buffer_id).version == 4


def test_a_batch_holds_what_its_limits_allow(buffer: SqliteBuffer, clock: Clock) -> None:
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


def test_a_gap_that_was_discarded_does_not_end_a_batch(buffer: SqliteBuffer, clock: Clock) -> None:
    append_all(buffer, [*GOOD, b"bad"], clock)
    buffer.confirm(6)
    assert buffer.discard(loaded_before=EVER, quarantined_before=0) == 5
    assert positions(buffer, 0, 6) == ([6], 6)
    assert positions(buffer, 0, 5) == ([], 5)


def test_a_repeated_body_names_the_first_also_after_reopening(
    buffer: SqliteBuffer, clock: Clock
) -> None:
    first, second = append_all(buffer, [GOOD[0]] * 2, clock)
    assert second.duplicate_of == first.event_id
    with closing(SqliteBuffer(buffer.path)) as reopened:
        assert reopened.buffer_id == buffer.buffer_id
        (third,) = append_all(reopened, [GOOD[0]], clock)
    assert third.duplicate_of == first.event_id
    assert [row[7] for row in whole(buffer).rows] == [None, first.event_id, first.event_id]


def test_a_body_that_was_discarded_is_new_again(buffer: SqliteBuffer, clock: Clock) -> None:
    append_all(buffer, [GOOD[0]] * 2, clock)
    buffer.confirm(2)
    assert buffer.discard(loaded_before=EVER, quarantined_before=0) == 2
    again, repeated = append_all(buffer, [GOOD[0]] * 2, clock)
    assert again.duplicate_of is None
    assert repeated.duplicate_of == again.event_id


@pytest.mark.parametrize("type_", ["event_message", "event_action"])
def test_equal_events_without_time_or_id_are_both_stored(
    buffer: SqliteBuffer, clock: Clock, type_: str
) -> None:
    receipts = append_all(buffer, [body(type_, {"text": "yes"})] * 3, clock)
    assert [receipt.duplicate_of for receipt in receipts] == [None] * 3
    assert buffer.counts().pending == 3


def test_a_repeated_body_in_quarantine_is_no_duplicate(buffer: SqliteBuffer, clock: Clock) -> None:
    receipts = append_all(buffer, [b"bad", b"bad"], clock)
    assert [receipt.duplicate_of for receipt in receipts] == [None] * 2
    assert (buffer.counts().quarantined, buffer.counts().duplicates) == (2, 0)


def test_only_what_is_confirmed_and_old_enough_is_discarded(
    buffer: SqliteBuffer, clock: Clock
) -> None:
    append_all(buffer, [GOOD[0], b"bad", GOOD[1], b"worse", GOOD[2]], clock)
    assert buffer.discard(loaded_before=EVER, quarantined_before=EVER) == 0
    buffer.confirm(4)
    second = 1_000_000
    assert buffer.discard(loaded_before=START, quarantined_before=START + second) == 0
    assert buffer.discard(loaded_before=START + second, quarantined_before=0) == 1
    assert positions(buffer, 0, 5) == ([2, 3, 4, 5], 5)
    assert buffer.discard(loaded_before=0, quarantined_before=EVER) == 2
    assert positions(buffer, 0, 5) == ([3, 5], 5)


def test_more_than_one_transactions_worth_is_discarded(buffer: SqliteBuffer) -> None:
    appended = DISCARD_ROWS + 1
    with ThreadPoolExecutor(64) as pool:  # so that many share a commit
        list(pool.map(lambda bits: buffer.append(delivery(b"bad", bits=bits)), range(appended)))
    buffer.confirm(appended)
    assert buffer.discard(loaded_before=0, quarantined_before=EVER) == appended
    assert positions(buffer, 0, appended) == ([], appended)


def test_refused_deliveries_are_found_newest_first_and_by_the_beginning_of_an_id(
    buffer: SqliteBuffer, clock: Clock
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


def test_an_empty_file_becomes_a_buffer_in_folders_that_are_made(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for path in (tmp_path / "empty", tmp_path / "a" / "b" / "new"):
        SqliteBuffer(path).close()
        with closing(sqlite3.connect(path)) as connection:
            assert pragma(connection, "application_id") == APPLICATION_ID
            assert pragma(connection, "user_version") == USER_VERSION


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"pragma {name}").fetchone()[0]


def test_each_commit_is_synced(buffer: SqliteBuffer) -> None:
    assert pragma(buffer._file._writer, "synchronous") == 2  # FULL
    assert pragma(buffer._file._writer, "journal_mode") == "wal"


def plan(buffer: SqliteBuffer, run: Callable[[], object]) -> str:
    """The query plans of all statements that read deliveries while `run` runs."""
    statements: list[str] = []
    connections = (buffer._file._writer, buffer._file._reader)
    for connection in connections:
        connection.set_trace_callback(statements.append)
    run()
    for connection in connections:
        connection.set_trace_callback(None)
    return "\n".join(
        row[3]
        for statement in statements
        if statement.startswith("select") and "deliveries" in statement
        for row in buffer._file._reader.execute(f"explain query plan {statement}")
    )


def test_no_query_reads_all_deliveries(buffer: SqliteBuffer, clock: Clock) -> None:
    append_all(buffer, [*GOOD, b"bad"], clock)
    lookup = plan(buffer, lambda: buffer.append(delivery(GOOD[0])))
    assert lookup == "SEARCH deliveries USING INDEX first_deliveries (body_hash=?)"
    counting = plan(buffer, buffer.counts)
    assert counting.count("INDEX events (position>?)") == 2  # without reading a body
    listing = plan(buffer, lambda: buffer.quarantined(5))
    assert listing == "SCAN deliveries USING INDEX refused"
    for text in (counting, plan(buffer, lambda: buffer.read(2, 5, max_rows=1, max_bytes=1))):
        assert "SEARCH deliveries" in text
        assert "SCAN deliveries" not in text


def test_discarding_nothing_costs_the_same_however_much_is_kept(tmp_path: Path) -> None:
    steps = [discard_steps(tmp_path / str(kept), kept) for kept in (50, 500)]
    assert steps[1] < steps[0] * 2


def discard_steps(path: Path, kept: int) -> int:
    """How many instructions SQLite runs to find that nothing of `kept` events is old."""
    ticks = count()
    with closing(SqliteBuffer(path)) as buffer:
        for number in range(kept):
            buffer.append(delivery(body("event_error", number), bits=number))
        buffer.confirm(kept)
        buffer._file._writer.set_progress_handler(lambda: next(ticks) * 0, 1)
        assert buffer.discard(loaded_before=START, quarantined_before=START) == 0
        buffer._file._writer.set_progress_handler(None, 1)
    return next(ticks)
