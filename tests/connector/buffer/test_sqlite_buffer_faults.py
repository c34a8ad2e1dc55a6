"""Foreign and damaged files, and a lock that is held: nothing is changed, nothing is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.buffer.sqlite import file
from fluents_connector.buffer.sqlite.file import USER_VERSION
from fluents_connector.errors import BufferRefused, BufferUnavailable
from fluents_connector.settings import Settings
from tests.contract.buffer.expected import GOOD
from tests.deliveries import delivery


def sqlite_file(path: Path, *statements: str) -> bytes:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path.read_bytes()


def newer_buffer(path: Path) -> bytes:
    SqliteBuffer(path).close()
    return sqlite_file(path, f"pragma user_version = {USER_VERSION + 1}")


def written(content: bytes) -> Callable[[Path], bytes]:
    return lambda path: content if path.write_bytes(content) else b""


FOREIGN = {
    "text": (written(b"not a database " * 100), "not a staging buffer.*buffer_path"),
    "short": (written(b"x"), "not a staging buffer.*buffer_path"),
    "cut header": (written(b"SQLite format 3\0" + b"\0" * 83), "not a staging.*buffer_path"),
    "other database": (
        lambda path: sqlite_file(path, "create table t (a)"),
        "of another program.*buffer_path",
    ),
    "newer format": (newer_buffer, "newer fluents-warehouse.*Install the newer version"),
}


@pytest.mark.parametrize(("make", "message"), FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_refused_and_left_unchanged(
    tmp_path: Path, make: Callable[[Path], bytes], message: str
) -> None:
    path = tmp_path / "buffer.sqlite"
    content = make(path)
    with pytest.raises(BufferRefused, match=f"{path}.*{message}"):
        SqliteBuffer(path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_refused_and_left_unchanged(tmp_path: Path) -> None:
    with pytest.raises(BufferRefused, match="buffer_path"):
        SqliteBuffer(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_commit_that_fails_stores_nothing_for_any_that_waits(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # before it is opened, as SQLite too waits so long when the log is emptied
    monkeypatch.setattr(file, "BUSY_SECONDS", 0.1)
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        _nothing_is_stored_while_another_holds_the_lock(buffer)


def _nothing_is_stored_while_another_holds_the_lock(buffer: SqliteBuffer) -> None:
    def append(bits: int) -> str | None:
        try:
            return buffer.append(delivery(GOOD[bits % 5], bits=bits)).event_id
        except BufferUnavailable as error:
            return str(error) if "Nothing was stored" not in str(error) else None

    with closing(sqlite3.connect(buffer.path, isolation_level=None)) as other:
        other.execute("begin immediate")
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(append, range(16))) == [None] * 16
        with pytest.raises(BufferUnavailable):
            buffer.check()
        assert buffer.counts().received == 0  # readers do not wait
        with closing(SqliteBuffer(buffer.path)) as second:  # nor does who opens it, as `status`
            assert second.counts().received == 0
        other.execute("rollback")
    buffer.check()
    assert append(0) is not None
    assert (buffer.counts().received, buffer.counts().last_position) == (1, 1)


def test_a_damaged_buffer_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "buffer.sqlite"
    SqliteBuffer(path).close()
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * 4000)
    with pytest.raises(BufferUnavailable, match=r"buffer\.sqlite cannot be used"):
        SqliteBuffer(path)
