"""A copy that is restored, of the loader's file or of the published one: the next load mends it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from structlog.testing import capture_logs

from fluents_connector.errors import LoadFailed
from fluents_connector.settings import Settings
from fluents_pipelines.load import Loader, LoadResult
from fluents_pipelines.warehouse.duckdb_file.files import FILE, snapshots_of
from fluents_warehouse.commands.status import collect
from tests.deliveries import Clock
from tests.pipelines.conftest import Query
from tests.pipelines.contents import contents
from tests.pipelines.warehouse.test_take_back import SQL, discard, is_idle, stage

Load = Callable[[], LoadResult]


@pytest.fixture
def older(settings: Settings, clock: Clock, load: Load, tmp_path: Path) -> Path:
    """A copy of the published file with `a`, from before `b` and `c` were published too."""
    stage(settings, clock, "a")
    load()
    copy = tmp_path / "older.duckdb"
    shutil.copy(settings.warehouse_path, copy)
    for message in ("b", "c"):
        stage(settings, clock, message)
        load()
    assert is_idle(settings)
    return copy


def with_older_models(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create or replace view analytics.calls_daily as select 'older' as direction"
        )
        connection.execute("update fluents._properties set value = '1' where name = 'models'")


@pytest.mark.attack
def test_an_older_file_of_the_loader_is_filled_from_the_buffer_and_published(
    settings: Settings, load: Load, query: Query, older: Path
) -> None:
    before = contents(settings.warehouse_path)
    with_older_models(older)
    shutil.copy(older, settings.data_dir / FILE)
    assert not is_idle(settings)
    result = load()
    assert (result.deliveries, result.published) == (2, True)
    assert contents(settings.warehouse_path) == before
    assert query("select direction, error_call_count from analytics.calls_daily") == [
        ("unknown", 1)
    ]
    assert is_idle(settings)


@pytest.mark.attack
@pytest.mark.parametrize("way", ["through the link", "in place of the link"])
def test_an_older_published_file_is_replaced_by_what_the_loader_has(
    settings: Settings, load: Load, query: Query, older: Path, way: str
) -> None:
    if way == "in place of the link":
        settings.warehouse_path.unlink()
    shutil.copy(older, settings.warehouse_path)
    assert query(SQL) == [("a",)]
    assert collect(settings)["warehouse"]["loaded_since"] == 2
    assert not is_idle(settings)
    assert load().published
    assert query(SQL) == [("a",), ("b",), ("c",)]
    assert is_idle(settings)


@pytest.mark.attack
def test_a_loader_that_runs_sees_that_an_older_file_was_put_at_the_path(
    settings: Settings, query: Query, older: Path
) -> None:
    with Loader(settings) as loader:
        assert not loader.load().published
        settings.warehouse_path.unlink()
        shutil.copy(older, settings.warehouse_path)
        assert not is_idle(settings)
        assert loader.load().published
        assert not loader.load().published
    assert query(SQL) == [("a",), ("b",), ("c",)]


@pytest.mark.attack
def test_both_files_with_models_of_before_get_those_of_now(
    settings: Settings, load: Load, query: Query
) -> None:
    load()
    shutil.copy(settings.warehouse_path, settings.data_dir / "copy")
    settings.warehouse_path.unlink()
    with_older_models(settings.data_dir / "copy")
    for path in (settings.data_dir / FILE, settings.warehouse_path):
        shutil.copy(settings.data_dir / "copy", path)
    assert query("select direction from analytics.calls_daily") == [("older",)]
    assert not is_idle(settings)
    assert load().published
    assert query("select direction from analytics.calls_daily") == []
    assert is_idle(settings)


@pytest.mark.attack
@pytest.mark.parametrize("go_on_from", ["published", "loader"])
def test_readers_keep_what_an_older_file_lacks_and_the_buffer_has_discarded(
    settings: Settings, clock: Clock, load: Load, query: Query, older: Path, go_on_from: str
) -> None:
    discard(settings)
    shutil.copy(older, settings.data_dir / FILE)
    stage(settings, clock, "d")
    for _ in range(3):
        with capture_logs() as logs, pytest.raises(LoadFailed, match=r"lacks 2 deliveries .*away"):
            load()
        assert query(SQL) == [("a",), ("b",), ("c",)]
        assert not is_idle(settings)
        assert "Not published" in collect(settings)["last_load"]["error"]
    assert logs == []  # said by the first load, which made the gap
    if go_on_from == "published":
        (settings.data_dir / FILE).rename(settings.data_dir / "aside")
        load()
        assert query(SQL) == [("a",), ("b",), ("c",), ("d",)]
    else:
        settings.warehouse_path.rename(settings.data_dir / "aside")
        load()
        assert query(SQL) == [("a",), ("d",)]
    assert is_idle(settings)


@pytest.mark.attack
def test_another_loader_of_the_same_published_file_takes_nothing_from_readers(
    settings: Settings, clock: Clock, load: Load, query: Query, older: Path, tmp_path: Path
) -> None:
    other = settings.model_copy(update={"data_dir": tmp_path / "other"})
    stage(other, clock, "d")
    with Loader(other) as loader:
        loader.load()
    everything = [("a",), ("b",), ("c",), ("d",)]
    assert query(SQL) == everything
    stage(settings, clock, "e")
    with pytest.raises(LoadFailed, match="another loader's"):
        load()
    assert query(SQL) == everything


@pytest.mark.attack
def test_a_published_volume_that_is_not_mounted_is_published_to_again(
    settings: Settings, clock: Clock, load: Load, query: Query, older: Path
) -> None:
    settings.warehouse_path.unlink()
    shutil.rmtree(snapshots_of(settings.warehouse_path))
    discard(settings)
    assert not is_idle(settings)
    assert load().published
    assert query(SQL) == [("a",), ("b",), ("c",)]
