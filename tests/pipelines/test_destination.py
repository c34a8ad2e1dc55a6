"""The keyed copy jobs, and that dlt still is what they are made for."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import dlt
import duckdb
import pytest

from connector.buffer import SqliteBuffer
from connector.settings import Settings
from connector.simulator import simulate
from pipelines.destination import KeyedCopyJob, keyed_duckdb
from pipelines.load import Loader, LoadResult
from pipelines.source import fluents_source
from pipelines.tables import ALL_TABLES, NORMALIZED
from pipelines.warehouse import FILE, Warehouse
from tests.deliveries import Clock, append_all
from tests.pipelines.contents import contents
from tests.pipelines.test_load import simulated

Load = Callable[[], LoadResult]


@pytest.mark.parametrize("name", ["events", "transcript_turns", "calls", "quarantine"])
def test_what_one_table_lacks_of_a_batch_is_added_and_nothing_else(
    name: str, buffer: SqliteBuffer, clock: Clock, settings: Settings
) -> None:
    append_all(buffer, [*simulated(400), b"[]", b"x"], clock)
    settings = settings.model_copy(update={"quarantine_keep_days": 36500})
    with Loader(settings) as loader:
        loader.load()
    before = contents(settings.data_dir / FILE)
    with Warehouse(settings) as warehouse:
        warehouse.connection.execute("delete from fluents.loads")
        # one of two turns of a transcript as well
        warehouse.connection.execute(f"delete from fluents.{name} where rowid % 2 = 0")
    with Loader(settings) as loader:
        assert loader.load().deliveries == 402
    assert contents(settings.data_dir / FILE) == before
    assert all(before.values())


def test_a_job_that_fails_after_its_commit_is_done_again_and_adds_nothing(
    buffer: SqliteBuffer,
    clock: Clock,
    load: Load,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """dlt tries a job again, whatever it may have done already."""
    runs: list[str] = []
    real = KeyedCopyJob.run

    def fail_once_it_is_done(job: KeyedCopyJob) -> None:
        real(job)
        runs.append(job.load_table_name)
        if runs.count(job.load_table_name) == 1:
            raise ConnectionError

    monkeypatch.setattr(KeyedCopyJob, "run", fail_once_it_is_done)
    append_all(buffer, simulated(400), clock)
    load()
    assert sorted(runs) == sorted([table.name for table in ALL_TABLES] * 2)
    found = contents(settings.warehouse_path)
    assert len(found["events"]) == 400
    for table in NORMALIZED:
        places = [[column.name for column in table.columns].index(name) for name in table.key]
        keys = [tuple(row[place] for place in places) for row in found[table.name]]
        assert len(keys) == len(set(keys))


def test_nothing_is_staged(buffer: SqliteBuffer, clock: Clock, settings: Settings) -> None:
    append_all(buffer, simulated(40), clock)
    with Loader(settings) as loader:
        loader.load()
        pipeline = loader._warehouse.pipeline
        (load_id,) = pipeline.list_completed_load_packages()
        jobs = pipeline.get_load_package_info(load_id).jobs["completed_jobs"]
        ours = [job.job_file_info for job in jobs if "dlt" not in job.job_file_info.table_name]
        assert {job.file_format for job in ours} == {"parquet"}
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        schemas = connection.execute("select schema_name from duckdb_schemas()").fetchall()
    assert ("fluents",) in schemas
    assert ("fluents_staging",) not in schemas


def test_dlts_own_destination_gets_the_same_tables_from_the_source(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings
) -> None:
    append_all(buffer, [delivery.body for delivery in islice(simulate(seed=5), 300)], clock)
    load()
    other = settings.data_dir / "other.duckdb"
    with duckdb.connect(str(other)) as connection:
        pipeline = dlt.pipeline(
            "other",
            destination=dlt.destinations.duckdb(connection),
            dataset_name="fluents",
            pipelines_dir=str(settings.data_dir / "other"),
        )
        batch = buffer.read(0, 300, max_rows=300, max_bytes=10**9)
        for _ in range(2):  # keyed there too
            pipeline.run(fluents_source(batch), loader_file_format="parquet")
    assert contents(other) == contents(settings.warehouse_path)


def test_the_capabilities_are_those_of_dlts_own_destination() -> None:
    with duckdb.connect(":memory:") as connection:
        ours = keyed_duckdb(connection).capabilities()
        theirs = dlt.destinations.duckdb(connection).capabilities()
    assert dict(ours) == dict(theirs)
