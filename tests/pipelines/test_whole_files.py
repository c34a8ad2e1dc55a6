"""A file is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from fluents_pipelines.whole_files import written_whole


def test_what_was_written_takes_the_place_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("former")
    with written_whole(target) as partial:
        partial.write_text("new")
        assert target.read_text() == "former"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("is_there", [True, False])
def test_an_error_leaves_all_as_it_was(
    tmp_path: Path, error: type[BaseException], is_there: bool
) -> None:
    target = tmp_path / "file"
    if is_there:
        target.write_text("former")
    with pytest.raises(error), written_whole(target) as partial:  # noqa: PT012
        partial.write_text("half")
        raise error
    assert [path.read_text() for path in tmp_path.iterdir()] == ["former"] * is_there


def test_what_a_kill_left_is_not_written_on(tmp_path: Path) -> None:
    target, elsewhere = tmp_path / "file", tmp_path / ".hidden"
    elsewhere.write_text("half of something longer")
    with written_whole(target, elsewhere) as partial:
        assert partial == elsewhere
        assert not partial.exists()
        partial.write_text("new")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"file": "new"}


def test_nothing_written_is_an_error_and_keeps_the_former(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("former")
    with pytest.raises(FileNotFoundError), written_whole(target):
        pass
    assert target.read_text() == "former"
