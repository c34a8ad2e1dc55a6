from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.disk_space import free_bytes, has_room

SOME = 64 * 1024**2  # what others may write meanwhile


@pytest.mark.parametrize("folder", [".", "not/there/yet"])
def test_there_is_room_for_what_leaves_the_reserve_and_not_for_more(
    tmp_path: Path, folder: str
) -> None:
    place = tmp_path / folder
    free = free_bytes(place)
    assert has_room(place, 0, 0)
    assert has_room(place, free // 2, free // 2 - SOME)
    assert not has_room(place, free // 2, free // 2 + SOME)
