"""What a flood took of the disk comes back, while receivers go on storing."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.buffer.sqlite import shrinking
from fluents_connector.buffer.sqlite.backup import restore
from fluents_connector.buffer.sqlite.check import check_buffer
from fluents_connector.buffer.sqlite.shrinking import LEFT_FREE, PAGES, STEPS
from tests.deliveries import START, Clock, body, delivery

PAGE = 4_096
FLOOD = (LEFT_FREE + PAGES * STEPS) * PAGE * 3 // 2  # more than one `discard` gives back

APPENDING = """
import sys
from pathlib import Path
from fluents_connector.buffer import SqliteBuffer
from tests.deliveries import body, delivery
buffer = SqliteBuffer(Path(sys.argv[1]))
print("open", flush=True)
for number in range(500):
    buffer.append(delivery(body("event_error", f"beside {number}"), bits=10**9 + number))
buffer.close()
"""


def flood(buffer: SqliteBuffer, clock: Clock, size: int = FLOOD) -> None:
    """Fills the buffer with a number of bytes, all of which are loaded."""
    content = b"x" * (256 * 1024)
    for number in range(size // len(content)):
        buffer.append(delivery(content + str(number).encode(), received_at=clock(), bits=number))
    buffer.confirm(buffer.counts().last_position)


def discard(buffer: SqliteBuffer) -> int:
    return buffer.discard(loaded_before=2 * START, quarantined_before=2 * START)


def pages(path: Path) -> tuple[int, int]:
    """How many pages the file has, and how many of them are free."""
    with closing(sqlite3.connect(path)) as connection:
        return (
            connection.execute("pragma page_count").fetchone()[0],
            connection.execute("pragma freelist_count").fetchone()[0],
        )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "buffer.sqlite"


def made_by_an_older_version(path: Path) -> Path:
    """A buffer whose file never gives a page back."""
    SqliteBuffer(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("pragma auto_vacuum = none")
        connection.execute("vacuum")
        assert connection.execute("pragma auto_vacuum").fetchone() == (0,)
    return path


def wrong(path: Path) -> list[str]:
    return [finding.detail for finding in check_buffer(path) if not finding.is_right]


@pytest.fixture(params=["made by this version", "made by an older one"])
def buffer(request: pytest.FixtureRequest, path: Path) -> Iterator[SqliteBuffer]:
    if request.param.endswith("older one"):
        made_by_an_older_version(path)
    with closing(SqliteBuffer(path)) as buffer:
        yield buffer


@pytest.mark.attack
def test_a_file_shrinks_after_a_flood_while_another_process_stores(
    buffer: SqliteBuffer, path: Path, clock: Clock
) -> None:
    flood(buffer, clock)
    most, _ = pages(path)
    with Popen([sys.executable, "-c", APPENDING, str(path)], stdout=PIPE, text=True) as storing:
        assert storing.stdout is not None
        assert storing.stdout.readline() == "open\n"
        while storing.poll() is None:
            discard(buffer)
    assert storing.returncode == 0
    while discard(buffer) or pages(path)[1] > max(LEFT_FREE, pages(path)[0] // 2):
        pass
    assert pages(path)[0] <= LEFT_FREE + most // 10
    counts = buffer.counts()
    assert (counts.received, counts.pending) == (counts.last_position, 500)
    buffer.close()
    assert path.stat().st_size == pages(path)[0] * PAGE
    assert wrong(path) == []


def test_one_discard_gives_back_a_part(path: Path, clock: Clock) -> None:
    with closing(SqliteBuffer(path)) as buffer:
        flood(buffer, clock)
        before, _ = pages(path)
        discard(buffer)
        # and the pages that say where those belong
        assert PAGES * STEPS <= before - pages(path)[0] < PAGES * STEPS * 1.01
        discard(buffer)
        assert pages(path)[1] <= LEFT_FREE


def test_what_comes_evenly_keeps_the_pages_that_it_fills_again(path: Path, clock: Clock) -> None:
    with closing(SqliteBuffer(path)) as buffer:
        flood(buffer, clock, LEFT_FREE * PAGE // 2)
        before, _ = pages(path)
        discard(buffer)
        assert pages(path)[0] == before


def test_an_older_file_that_holds_much_is_not_rewritten_while_receivers_wait(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shrinking, "MOST_AT_ONCE", 2)
    with closing(SqliteBuffer(made_by_an_older_version(path))) as buffer:
        flood(buffer, clock)
        before, _ = pages(path)
        discard(buffer)
        assert pages(path)[0] == before


def test_an_older_file_that_others_read_is_rewritten_later(path: Path, clock: Clock) -> None:
    with closing(SqliteBuffer(made_by_an_older_version(path))) as buffer:
        flood(buffer, clock)
        buffer._file._writer.execute("pragma busy_timeout = 0")
        before, _ = pages(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("begin immediate")
            buffer._file.rewrite()
            assert pages(path)[0] == before
        discard(buffer)
        assert pages(path)[0] < before // 10


def test_an_older_buffer_that_is_restored_can_shrink_from_then_on(
    path: Path, tmp_path: Path, clock: Clock
) -> None:
    with closing(SqliteBuffer(made_by_an_older_version(path))) as buffer:
        buffer.append(delivery(body("event_error", "kept"), received_at=clock()))
    target = tmp_path / "restored.sqlite"
    assert restore(path, target, "now").deliveries == 1
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("pragma auto_vacuum").fetchone() == (2,)
    assert wrong(target) == []
