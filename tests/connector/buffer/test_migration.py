"""A buffer of the first version is brought up to date where it is; a newer one is left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fluents_connector.buffer import Limits, SqliteBuffer
from fluents_connector.buffer.sqlite.check import check_buffer
from fluents_connector.buffer.sqlite.recover import recover_from
from fluents_connector.buffer.sqlite.schema import APPLICATION_ID, USER_VERSION
from fluents_connector.errors import BufferFull, BufferRefused
from tests.deliveries import Clock, append_all, body, delivery, whole

FIRST = Path(__file__).parents[2] / "data" / "recorded" / "buffer_version_1.sql"
BODIES = [body("event_error", n) for n in range(6)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of the first version: six events, one of them again, and two refused bodies."""
    current, path = tmp_path / "current.sqlite", tmp_path / "buffer.sqlite"
    with closing(SqliteBuffer(current)) as buffer:
        append_all(buffer, [*BODIES, BODIES[0], b"x" * 100, b"y" * 50], Clock())
        buffer.confirm(4)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(FIRST.read_text())
        connection.execute("pragma journal_mode = wal")
        connection.execute("attach ? as current", (str(current),))
        for table in ("buffer", "deliveries"):
            names = [row[1] for row in connection.execute(f"pragma main.table_info({table})")]
            columns = ", ".join(names)
            connection.execute(
                f"insert into main.{table} ({columns}) select {columns} from current.{table}"
            )
        connection.execute(f"pragma application_id = {APPLICATION_ID}")
        connection.execute("pragma user_version = 1")
    return path


def test_it_is_migrated_with_what_waits_counted(path: Path) -> None:
    with closing(SqliteBuffer(path, Limits(rows=6))) as buffer:
        assert buffer.counts().quarantine_bytes == 150
        assert len(whole(buffer).rows) == 9
        again = buffer.append(delivery(BODIES[3], bits=1))
        assert again.duplicate_of is not None
        with pytest.raises(BufferFull, match="6 deliveries wait"):
            buffer.append(delivery(b"full", bits=2))
        buffer.confirm(10)
        buffer.append(delivery(b"room", bits=3))
    assert [finding for finding in check_buffer(path) if not finding.is_right] == []
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("pragma user_version").fetchone() == (USER_VERSION,)
    assert columns(path) == columns(path.with_name("current.sqlite"))


def columns(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        found = [
            connection.execute(f"pragma table_info({table})").fetchall()
            for table in ("buffer", "deliveries")
        ]
        indexes = connection.execute(
            "select name from sqlite_schema where type = 'index' order by name"
        ).fetchall()
    return [*found[0], *found[1], *indexes]


def test_the_header_says_the_new_version_at_once(path: Path) -> None:
    with closing(SqliteBuffer(path)):
        assert path.read_bytes()[60:64] == USER_VERSION.to_bytes(4, "big")


def test_it_can_be_looked_over_and_recovered_from_without_being_changed(
    path: Path, tmp_path: Path
) -> None:
    before = path.read_bytes()
    assert [finding.subject for finding in check_buffer(path) if not finding.is_right] == []
    target = tmp_path / "new.sqlite"
    assert recover_from(path, target).copied == 9
    assert path.read_bytes() == before
    assert all(finding.is_right for finding in check_buffer(target))


def test_a_newer_one_is_refused_unchanged_also_where_only_its_log_says_so(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"pragma user_version = {USER_VERSION + 1}")
        before = path.read_bytes(), Path(f"{path}-wal").read_bytes()
        with pytest.raises(BufferRefused, match="newer fluents-warehouse"):
            SqliteBuffer(path)
        assert (path.read_bytes(), Path(f"{path}-wal").read_bytes()) == before
    with pytest.raises(BufferRefused, match="newer fluents-warehouse"):
        SqliteBuffer(path)
