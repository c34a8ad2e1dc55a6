"""A file that is written whole is never seen half, and leaves nothing beside it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fluents_connector.files import sync, write_whole, written_whole
from tests.processes import environment

KILLED = """
import os, signal, sys
from pathlib import Path
from fluents_connector.files import written_whole
with written_whole(Path(sys.argv[1])) as partial:
    partial.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


def test_it_takes_its_name_at_the_end_for_its_owner_only(path: Path) -> None:
    path.write_text("before")
    with written_whole(path) as partial:
        partial.write_text("after")
        assert path.read_text() == "before"
    sync(path.parent)
    assert path.read_text() == "after"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_after_an_error_what_was_there_stays_alone(path: Path) -> None:
    path.write_text("before")

    def fail(partial: Path) -> None:
        partial.write_text("half")
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"), written_whole(path) as partial:
        fail(partial)
    assert path.read_text() == "before"
    assert list(path.parent.iterdir()) == [path]


def test_without_overwrite_nothing_is_replaced(path: Path) -> None:
    write_whole(path, "first", overwrite=False)
    with pytest.raises(FileExistsError):
        write_whole(path, "second", overwrite=False)
    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]


def test_one_that_was_killed_keeps_nobody_from_writing_it(path: Path) -> None:
    write_whole(path, "before")
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, path], env=environment(), check=False, timeout=60
    )
    assert ended.returncode == -signal.SIGKILL
    assert path.read_text() == "before"
    write_whole(path, "after")
    assert path.read_text() == "after"


def test_what_was_written_takes_the_place_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("former")
    with written_whole(target, durable=True) as partial:
        partial.write_text("new")
        assert target.read_text() == "former"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("partial_name", [None, ".hidden"])
def test_an_error_leaves_all_as_it_was(
    tmp_path: Path, error: type[BaseException], is_there: bool, partial_name: str | None
) -> None:
    target = tmp_path / "file"
    elsewhere = tmp_path / partial_name if partial_name else None
    if is_there:
        target.write_text("former")
    with pytest.raises(error), written_whole(target, elsewhere) as partial:  # noqa: PT012
        partial.write_text("half")
        raise error
    assert [path.read_text() for path in tmp_path.iterdir()] == ["former"] * is_there


def test_what_a_kill_left_is_not_written_on(tmp_path: Path) -> None:
    target, elsewhere = tmp_path / "file", tmp_path / ".hidden"
    elsewhere.write_text("half of something longer")
    with written_whole(target, elsewhere, durable=True) as partial:
        assert partial == elsewhere
        assert not partial.exists()
        partial.write_text("new")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"file": "new"}


def test_nothing_written_is_an_error_and_keeps_the_former(tmp_path: Path) -> None:
    target, elsewhere = tmp_path / "file", tmp_path / ".hidden"
    target.write_text("former")
    with pytest.raises(FileNotFoundError), written_whole(target, elsewhere):
        pass
    assert target.read_text() == "former"
