from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.errors import LoadFailed
from fluents_connector.loader_state import loader_state
from fluents_connector.settings import Settings
from fluents_pipelines.disk_space import free_bytes, has_room, limit_spilling
from fluents_pipelines.load import Loader, LoadResult
from tests.deliveries import Clock, append_all, body

Load = Callable[[], LoadResult]

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


def test_an_engine_spills_nothing_of_the_reserve(tmp_path: Path) -> None:
    config = {"memory_limit": "60MB", "temp_directory": str(tmp_path / "spill")}
    large = (
        "select count(*) from"
        " (select i, md5(i::varchar) as m from range(3_000_000) as t(i) order by m)"
    )
    with duckdb.connect(config=config) as engine:
        limit_spilling(engine, tmp_path, 0)
        assert engine.execute(large).fetchall() == [(3_000_000,)]
        limit_spilling(engine, tmp_path, 2**60)
        with pytest.raises(duckdb.OutOfMemoryException, match="max_temp_directory_size"):
            engine.execute(large).fetchall()


def test_a_load_waits_for_space_and_goes_on_by_itself(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, load: Load
) -> None:
    append_all(buffer, [body("event_error", f"e{n}") for n in range(3)], clock)
    little = settings.model_copy(update={"disk_reserve_bytes": 2**60})
    with Loader(little) as loader:
        with pytest.raises(LoadFailed, match=r"waits for space.*Nothing is lost"):
            loader.load()
        assert buffer.counts().pending == 3
    report = loader_state(settings).report()
    assert report is not None
    assert "waits for space" in (report.error or "")
    assert load().deliveries == 3
