"""What the SQLite buffer promises beside what tests/contract/buffer asks of each buffer."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.buffer.sqlite.buffer import DISCARD_ROWS
from fluents_connector.buffer.sqlite.file import APPLICATION_ID, USER_VERSION
from tests.contract.buffer.expected import GOOD
from tests.contract.buffer.test_deliveries import MANY
from tests.deliveries import START, Clock, append_all, body, delivery


def test_the_contract_discards_more_than_one_transaction_does() -> None:
    assert MANY > DISCARD_ROWS


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
