"""A buffer that has a limit refuses more when it is reached, and takes more after a load."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connector.buffer import Limits, SqliteBuffer
from connector.errors import BufferFull
from connector.receiver import create_app, now_microseconds
from connector.settings import Settings
from tests.deliveries import TOKEN, body, delivery


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "buffer.sqlite"


@pytest.fixture
def three_rows(path: Path) -> Iterator[SqliteBuffer]:
    with closing(SqliteBuffer(path, Limits(rows=3))) as buffer:
        yield buffer


def fill(buffer: SqliteBuffer, *, size: int = 1, received_at: int | None = None) -> int:
    """Appends until the buffer is full; returns how many it took."""
    for n in range(10_000):
        content = body("event_error", f"{n} " + "x" * size)
        try:
            buffer.append(delivery(content, received_at=received_at or now_microseconds()))
        except BufferFull:
            return n
    raise AssertionError("never full")


def test_rows_count_until_they_are_loaded(three_rows: SqliteBuffer) -> None:
    assert fill(three_rows) == 3
    assert three_rows.counts().received == 3
    three_rows.confirm(2)
    three_rows.append(delivery(body("event_error", "one more")))
    three_rows.append(delivery(body("event_error", "and one")))
    with pytest.raises(BufferFull, match=r"3 deliveries wait .*buffer_max_rows is 3"):
        three_rows.append(delivery(body("event_error", "too many")))


def test_a_file_at_its_limit_makes_room_by_discarding_what_is_loaded(path: Path) -> None:
    with closing(SqliteBuffer(path, Limits(bytes=2 * 1024**2))) as buffer:
        assert fill(buffer, size=50_000) > 10
        with pytest.raises(BufferFull, match="buffer_max_bytes"):
            buffer.check()
        assert buffer.discard(loaded_before=0, quarantined_before=0) == 0  # nothing is loaded
        buffer.confirm(buffer.counts().last_position)
        assert buffer.discard(loaded_before=0, quarantined_before=0) > 0
        buffer.check()
        assert fill(buffer, size=50_001) > 5


def test_what_waits_too_long_stops_the_intake(path: Path) -> None:
    with closing(SqliteBuffer(path, Limits(age_hours=1))) as buffer:
        now = now_microseconds()
        assert fill(buffer, received_at=now - 3601 * 1_000_000) == 1
        buffer.confirm(1)
        buffer.append(delivery(body("event_error", "fresh"), received_at=now))


def test_the_receiver_answers_503_while_the_buffer_is_full(
    three_rows: SqliteBuffer, settings: Settings
) -> None:
    client = create_app(settings, three_rows).test_client()
    fill(three_rows)
    refused = client.post(f"/fluents/webhook/{TOKEN}", data=body("event_error", "late"))
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    three_rows.confirm(3)
    again = client.post(f"/fluents/webhook/{TOKEN}", data=body("event_error", "late"))
    assert again.status_code == 200
