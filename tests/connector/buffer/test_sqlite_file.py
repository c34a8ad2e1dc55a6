"""A buffer whose file is taken away answers errors, and works again when a file is back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.errors import BufferRefused, BufferUnavailable
from tests.deliveries import body, delivery, whole


def event(n: int) -> bytes:
    return body("event_error", f"e{n}")


@pytest.mark.parametrize("taken", ["the folder", "the file", "the log"])
def test_nothing_is_acknowledged_once_the_file_is_gone(
    buffer: SqliteBuffer, tmp_path: Path, taken: str
) -> None:
    buffer.append(delivery(event(1)))
    if taken == "the folder":
        shutil.rmtree(buffer.path.parent)
    elif taken == "the file":
        buffer.path.unlink()
    else:
        Path(f"{buffer.path}-wal").unlink()
        buffer.path.unlink()
    for n in (2, 3):
        with pytest.raises(BufferUnavailable, match="the file is gone"):
            buffer.append(delivery(event(n)))
    with pytest.raises(BufferUnavailable):
        buffer.check()
    assert not buffer.path.exists()


def test_a_folder_that_comes_back_is_used_again(buffer: SqliteBuffer, tmp_path: Path) -> None:
    buffer.append(delivery(event(1)))
    away = tmp_path / "away"
    buffer.path.parent.rename(away)
    with pytest.raises(BufferUnavailable):
        buffer.append(delivery(event(2)))
    away.rename(buffer.path.parent)
    buffer.append(delivery(event(2)))
    assert [row[0] for row in whole(buffer).rows] == [1, 2]


def test_another_buffer_in_its_place_is_used_with_its_own_identity(
    buffer: SqliteBuffer, tmp_path: Path
) -> None:
    buffer.append(delivery(event(1)))
    former = buffer.buffer_id
    shutil.rmtree(buffer.path.parent)
    other = SqliteBuffer(buffer.path)
    buffer.append(delivery(event(2)))
    assert buffer.buffer_id == other.buffer_id != former
    assert other.counts().received == 1
    other.close()


def test_a_foreign_file_in_its_place_is_left_unchanged(
    buffer: SqliteBuffer, tmp_path: Path
) -> None:
    buffer.append(delivery(event(1)))
    shutil.rmtree(buffer.path.parent)
    buffer.path.parent.mkdir()
    buffer.path.write_text("somebody else's")
    with pytest.raises(BufferRefused):
        buffer.append(delivery(event(2)))
    assert buffer.path.read_text() == "somebody else's"
