"""Group commit: one sync for all, one error for all, and no delivery forgotten."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from fluents_connector.buffer import Receipt, SqliteBuffer
from fluents_connector.buffer.sqlite.rows import MOST_ROWS
from fluents_connector.delivery import Delivery
from fluents_connector.errors import BufferUnavailable
from fluents_connector.receiver.group_commit import MOST, GroupCommit
from tests.deliveries import body, delivery, whole


def different(number: int) -> list[Delivery]:
    return [delivery(body("event_error", bits), bits=bits) for bits in range(number)]


@pytest.fixture
def commits(buffer: SqliteBuffer) -> list[str]:
    """The commits of `buffer` from now on."""
    made: list[str] = []
    buffer._file._writer.set_trace_callback(
        lambda statement: made.append(statement) if statement == "commit" else None
    )
    return made


@pytest.fixture
def other(buffer: SqliteBuffer) -> Iterator[sqlite3.Connection]:
    """Another user of the file, which holds SQLite's lock."""
    with closing(sqlite3.connect(buffer.path, isolation_level=None)) as connection:
        connection.execute("begin immediate")
        yield connection


def test_what_comes_in_while_another_process_commits_shares_one_commit(
    buffer: SqliteBuffer, commits: list[str], other: sqlite3.Connection
) -> None:
    first, *rest = different(20)

    async def run() -> list[Receipt]:
        group = GroupCommit(buffer)
        receipts = [group.append(first)]
        await asyncio.sleep(0)  # it waits for its turn
        receipts += [group.append(one) for one in rest]
        other.execute("rollback")
        return await asyncio.gather(*receipts)

    assert asyncio.run(run()) == [Receipt(one.event_id, None) for one in (first, *rest)]
    assert [row[1] for row in whole(buffer).rows] == [one.event_id for one in (first, *rest)]
    assert len(commits) == 1


def test_what_comes_in_during_a_commit_shares_the_next(buffer: SqliteBuffer) -> None:
    first, *rest = different(20)
    commits: list[str] = []
    has_begun, may_end = threading.Event(), threading.Event()

    def hold(statement: str) -> None:
        if statement == "commit":
            commits.append(statement)
            has_begun.set()
            may_end.wait(10)

    buffer._file._writer.set_trace_callback(hold)

    async def run() -> list[Receipt]:
        group = GroupCommit(buffer)
        receipts = [group.append(first)]
        await asyncio.to_thread(has_begun.wait, 10)
        receipts += [group.append(one) for one in rest]
        may_end.set()
        return await asyncio.gather(*receipts)

    assert asyncio.run(run()) == [Receipt(one.event_id, None) for one in (first, *rest)]
    assert [row[1] for row in whole(buffer).rows] == [one.event_id for one in (first, *rest)]
    assert len(commits) == 2


def test_a_commit_that_fails_fails_for_all_that_shared_it_and_for_no_other(
    buffer: SqliteBuffer, other: sqlite3.Connection
) -> None:
    buffer._file._writer.execute("pragma busy_timeout = 100")
    *unlucky, later = different(9)

    async def run() -> tuple[list[Receipt | BaseException], Receipt]:
        group = GroupCommit(buffer)
        waiting = [group.append(one) for one in unlucky]
        failed = await asyncio.gather(*waiting, return_exceptions=True)
        other.execute("rollback")
        return failed, await group.append(later)

    failed, stored = asyncio.run(run())
    assert [type(error) for error in failed] == [BufferUnavailable] * len(unlucky)
    assert stored == Receipt(later.event_id, None)
    assert [row[:2] for row in whole(buffer).rows] == [(1, later.event_id)]


def test_a_crowd_is_stored_in_order_by_commits_of_bounded_size(
    buffer: SqliteBuffer, commits: list[str]
) -> None:
    crowd = different(2 * MOST + 1)

    async def run() -> list[Receipt]:
        group = GroupCommit(buffer)
        return await asyncio.gather(*(group.append(one) for one in crowd))

    assert asyncio.run(run()) == [Receipt(one.event_id, None) for one in crowd]
    assert [row[1] for row in whole(buffer).rows] == [one.event_id for one in crowd]
    assert len(commits) == 3


def test_equal_bodies_in_one_commit_are_duplicates_of_the_first(
    buffer: SqliteBuffer, commits: list[str]
) -> None:
    first, second = (delivery(body("event_error"), bits=bits) for bits in range(2))
    assert buffer.append_all([first, second]) == [
        Receipt(first.event_id, None),
        Receipt(second.event_id, first.event_id),
    ]
    assert (buffer.counts().received, buffer.counts().duplicates, len(commits)) == (2, 1, 1)


def test_a_request_that_is_given_up_disturbs_no_other(buffer: SqliteBuffer) -> None:
    first, given_up, last = different(3)

    async def run() -> list[Receipt]:
        group = GroupCommit(buffer)
        receipts = [group.append(one) for one in (first, given_up, last)]
        receipts[1].cancel()
        return [await receipts[0], await receipts[2]]

    assert asyncio.run(run()) == [Receipt(one.event_id, None) for one in (first, last)]
    assert buffer.counts().received == 3


def test_an_error_undoes_all_of_a_commit_and_the_next_one_goes_on(buffer: SqliteBuffer) -> None:
    first, broken, last = different(3)
    broken = replace(broken, event_id=None)  # type: ignore[arg-type] # which no column takes
    with pytest.raises(BufferUnavailable):
        buffer.append_all([first, broken])
    assert buffer.append_all(iter([last])) == [Receipt(last.event_id, None)]
    assert [row[:2] for row in whole(buffer).rows] == [(1, last.event_id)]


@pytest.mark.parametrize("number", [1, MOST_ROWS, MOST_ROWS + 1, 2 * MOST_ROWS + 3])
def test_each_is_compared_with_what_is_stored_and_what_shares_its_commit(
    buffer: SqliteBuffer, number: int
) -> None:
    stored, *rest = different(number + 1)
    buffer.append(stored)
    group = [*rest, *(replace(one, event_id=f"again-{one.event_id}") for one in (stored, *rest))]
    assert [receipt.duplicate_of for receipt in buffer.append_all(group)] == [
        *(None for _ in rest),
        *(one.event_id for one in (stored, *rest)),
    ]
    counts = buffer.counts()
    assert (counts.received, counts.duplicates) == (2 * number + 2, number + 1)
