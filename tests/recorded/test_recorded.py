"""Set-ups of earlier versions are opened, migrated, loaded into and read."""

from __future__ import annotations

import shutil
import tarfile
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import Settings
from fluents_pipelines.load import Loader
from fluents_pipelines.tables import ALL_TABLES, SCHEMA_VERSION
from fluents_pipelines.warehouse import open_published
from fluents_pipelines.warehouse.duckdb_file.files import FILE
from tests.deliveries import TOKEN
from tests.pipelines.contents import contents

FOLDER = Path(__file__).parents[1] / "data" / "recorded"
ARCHIVES = sorted(path.name for path in FOLDER.glob("schema-*.tar.xz"))


def test_there_is_a_recorded_set_up() -> None:
    assert "schema-1.tar.xz" in ARCHIVES


@pytest.fixture(params=ARCHIVES)
def recorded(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    with tarfile.open(FOLDER / request.param) as archive:
        folder = tmp_path / request.param.removesuffix(".tar.xz")
        # Python 3.11.4 and later ask for a filter
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder, **safely)  # noqa: S202 # our own archive
    return settings_in(folder)


def settings_in(folder: Path) -> Settings:
    return Settings(
        data_dir=folder / "data",
        warehouse_path=folder / "published.duckdb",
        models_dir=folder / "models",
        webhooks={"main": TOKEN},
        buffer_keep_days=36500,
        quarantine_keep_days=36500,
        publish_share=1,
    )


def test_what_was_loaded_and_what_waits_is_there_as_this_version_would_load_it(
    recorded: Settings, tmp_path: Path
) -> None:
    # the same buffer, loaded by this version from its beginning
    fresh = settings_in(tmp_path / "fresh")
    fresh.data_dir.mkdir(parents=True)
    shutil.copy(recorded.buffer_file, fresh.buffer_file)
    for settings in (recorded, fresh):
        with Loader(settings) as loader:
            loader.load(is_last=True)
        with closing(SqliteBuffer(settings.buffer_file)) as buffer:
            assert buffer.counts().pending == 0
            assert buffer.counts().confirmed_position == buffer.counts().last_position
    assert contents(recorded.data_dir / FILE) == contents(fresh.data_dir / FILE)
    assert contents(recorded.warehouse_path) == contents(fresh.warehouse_path)
    assert summaries(recorded) == summaries(fresh)
    with open_published(recorded) as connection:
        assert connection.execute(
            "select count(*) from fluents.events"
            " where _dlt_load_id not in (select load_id from fluents._dlt_loads)"
        ).fetchall() == [(0,)]
        events = connection.execute("select sum(events) from analytics.events_of_calls").fetchall()
        assert events == connection.execute("select count(*) from fluents.events").fetchall()


@pytest.mark.attack
def test_what_the_buffer_forgot_is_made_again_from_the_events(
    recorded: Settings, tmp_path: Path
) -> None:
    fresh = settings_in(tmp_path / "fresh")
    fresh.data_dir.mkdir(parents=True)
    shutil.copy(recorded.buffer_file, fresh.buffer_file)
    with closing(SqliteBuffer(recorded.buffer_file)) as buffer:
        buffer.discard(loaded_before=2**62, quarantined_before=0)
        assert buffer.counts().pending > 0
    for settings in (recorded, fresh):
        with Loader(settings) as loader:
            loader.load(is_last=True)
    assert contents(recorded.data_dir / FILE) == contents(fresh.data_dir / FILE)
    assert summaries(recorded) == summaries(fresh)


def test_a_version_that_declares_other_tables_has_a_higher_number(recorded: Settings) -> None:
    number = int(recorded.data_dir.parent.name.removeprefix("schema-"))
    with duckdb.connect(str(recorded.data_dir / FILE), read_only=True) as connection:
        there = connection.execute(
            "select table_name, column_name from duckdb_columns()"
            " where schema_name = 'fluents' and not starts_with(table_name, '_')"
            " and column_name <> '_dlt_load_id'"
        ).fetchall()
    declared = {(table.name, column) for table in ALL_TABLES for column in table.column_names}
    assert set(there) == declared or number < SCHEMA_VERSION


def summaries(settings: Settings) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        return connection.execute("from analytics.call_summary order by all").fetchall()
