"""The transaction of a load, its keyed tables, and that dlt still is what they are made for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import dlt
import duckdb
import pyarrow as pa
import pytest
from dlt.normalize.items_normalizers.arrow import ArrowItemsNormalizer
from dlt.pipeline.exceptions import PipelineStepFailed

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.errors import LoadFailed
from fluents_connector.settings import Settings
from fluents_connector.simulator import simulate
from fluents_pipelines.load import Loader, LoadResult
from fluents_pipelines.source import fluents_source
from fluents_pipelines.tables import ALL_TABLES
from fluents_pipelines.warehouse.duckdb_file.destination import KeyedDuckDbClient, keyed_duckdb
from fluents_pipelines.warehouse.duckdb_file.files import FILE
from fluents_pipelines.warehouse.duckdb_file.warehouse import DuckDbWarehouse
from tests.deliveries import Clock, append_all, body
from tests.pipelines.contents import contents
from tests.pipelines.test_load import simulated

Load = Callable[[], LoadResult]
CONFERENCE = body(
    "event_transcript",
    {"transcript": "HUMAN: A person, please.\nCONFERENCE_EVENT: Transfer participant joined"},
)


@pytest.mark.attack
@pytest.mark.parametrize("name", ["events", "transcript_turns", "calls", "quarantine"])
def test_what_one_table_lacks_of_a_batch_is_added_and_nothing_else(
    name: str, buffer: SqliteBuffer, clock: Clock, settings: Settings
) -> None:
    append_all(buffer, [*simulated(399), CONFERENCE, b"[]", b"x"], clock)
    settings = settings.model_copy(update={"quarantine_keep_days": 36500})
    with Loader(settings) as loader:
        loader.load()
    before = contents(settings.data_dir / FILE)
    with DuckDbWarehouse(settings) as warehouse:
        warehouse.connection.execute("delete from fluents.loads")
        # one of two turns of a transcript as well
        warehouse.connection.execute(f"delete from fluents.{name} where rowid % 2 = 0")
    with Loader(settings) as loader:
        assert loader.load().deliveries == 402
    assert contents(settings.data_dir / FILE) == before
    assert all(before.values())


@pytest.mark.attack
@pytest.mark.parametrize("nth", [1, 4, 8, 11])
def test_a_load_that_fails_between_two_tables_leaves_nothing_and_the_next_one_all(
    nth: int,
    buffer: SqliteBuffer,
    clock: Clock,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    append_all(buffer, simulated(10, seed=2), clock)
    with Loader(settings) as loader:
        loader.load()
        before = everything(loader)
        append_all(buffer, simulated(400), clock)
        fail_after_table(nth, monkeypatch)
        with pytest.raises(LoadFailed) as caught:
            loader.load()
        assert any(isinstance(error, Broken) for error in causes(caught.value))
        assert everything(loader) == before
        monkeypatch.undo()
        assert loader.load().deliveries == 400
        after = everything(loader)
    assert len(after["loads"]) == len(after["_dlt_loads"]) == 2
    assert len(contents(settings.data_dir / FILE)["events"]) == 410


def test_what_a_failed_load_left_is_not_loaded_with_the_next_batch(
    buffer: SqliteBuffer, clock: Clock, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_all(buffer, simulated(30), clock)
    with DuckDbWarehouse(settings) as warehouse:
        fail_after_table(3, monkeypatch)
        whole = buffer.read(0, 30, max_rows=30, max_bytes=10**9)
        with pytest.raises(LoadFailed):
            warehouse.load(fluents_source(whole))
        monkeypatch.undo()
        warehouse.load(fluents_source(buffer.read(0, 30, max_rows=15, max_bytes=10**9)))
        assert warehouse.position(buffer.buffer_id)[0] == 15
        assert warehouse.connection.execute("select count(*) from fluents.events").fetchall() == [
            (15,)
        ]


def test_what_an_extraction_left_that_did_not_end_is_deleted(
    buffer: SqliteBuffer, clock: Clock, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_all(buffer, simulated(30), clock)
    batch = buffer.read(0, 30, max_rows=30, max_bytes=10**9)
    folder = settings.data_dir / "dlt" / "fluents_warehouse" / "normalize"
    written: list[Path] = []

    def write_and_fail(rows: pa.Table, file: Any) -> None:
        written.append(Path(file.name))
        raise Broken

    with DuckDbWarehouse(settings) as warehouse:
        monkeypatch.setattr("fluents_pipelines.source.parquet.write_table", write_and_fail)
        with pytest.raises(LoadFailed):
            warehouse.load(fluents_source(batch))
        assert folder in written[0].parents
        left = written[0].parent / "as-a-kill-leaves-it.parquet"
        left.write_bytes(b"rows")
        monkeypatch.undo()
        warehouse.load(fluents_source(batch))
    assert not left.exists()
    assert [path.name for path in folder.iterdir() if path.is_dir()] == ["extracted"]


def test_a_load_leaves_each_file_to_dlt_as_it_was_written(
    buffer: SqliteBuffer, clock: Clock, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rewritten(*arguments: Any) -> None:
        raise AssertionError("dlt wrote a file anew")

    append_all(buffer, simulated(60), clock)
    monkeypatch.setattr(ArrowItemsNormalizer, "_write_with_dlt_columns", rewritten)
    with DuckDbWarehouse(settings) as warehouse:
        warehouse.load(fluents_source(buffer.read(0, 60, max_rows=60, max_bytes=10**9)))
        assert warehouse.position(buffer.buffer_id)[0] == 60


def test_dlt_is_told_of_each_job_that_is_done_and_never_waits_to_look_again(
    buffer: SqliteBuffer, clock: Clock, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[bool] = []

    class Watched(BoundedSemaphore):
        def acquire(self, *arguments: Any, **options: Any) -> bool:
            told.append(super().acquire(*arguments, **options))
            return told[-1]

    monkeypatch.setattr("dlt.load.load.BoundedSemaphore", Watched)
    append_all(buffer, simulated(30), clock)
    assert load().deliveries == 30
    assert len(told) > 1  # the first is dlt's own, before it starts a job
    assert all(told)


def test_too_little_memory_is_among_the_causes(
    buffer: SqliteBuffer, clock: Clock, settings: Settings
) -> None:
    append_all(buffer, simulated(10), clock)
    batch = buffer.read(0, 10, max_rows=10, max_bytes=10**9)
    with DuckDbWarehouse(settings) as warehouse:
        warehouse.connection.execute("set memory_limit = '1MB'")
        with pytest.raises(LoadFailed) as caught:
            warehouse.load(fluents_source(batch))
        warehouse.connection.execute("set memory_limit = '1GB'")
        assert warehouse.position(buffer.buffer_id)[0] == 0
    assert any(isinstance(error, duckdb.OutOfMemoryException) for error in causes(caught.value))


class Broken(Exception):
    """Raised in the middle of a package."""


def fail_after_table(nth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = KeyedDuckDbClient._add
    added: list[str] = []

    def add(self: KeyedDuckDbClient, table: Any, path: str, file_format: str) -> None:
        real(self, table, path, file_format)
        added.append(table["name"])
        if len(added) == min(nth, len(ALL_TABLES) - 1):
            raise Broken

    monkeypatch.setattr(KeyedDuckDbClient, "_add", add)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def everything(loader: Loader) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, dlt's own included, but for the list of its schemas."""
    tables = loader._warehouse.connection.execute(
        "select table_name from duckdb_tables() where schema_name = 'fluents'"
    ).fetchall()
    return {
        name: loader._warehouse.connection.execute(f"from fluents.{name} order by all").fetchall()
        for (name,) in tables
        if name != "_dlt_version"
    }


def test_nothing_is_staged(buffer: SqliteBuffer, clock: Clock, settings: Settings) -> None:
    append_all(buffer, simulated(40), clock)
    with Loader(settings) as loader:
        loader.load()
        pipeline = loader._warehouse._loading.pipeline
        (load_id,) = pipeline.list_completed_load_packages()
        jobs = pipeline.get_load_package_info(load_id).jobs["completed_jobs"]
        ours = [job.job_file_info for job in jobs if "dlt" not in job.job_file_info.table_name]
        assert {job.file_format for job in ours} == {"parquet"}
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        schemas = connection.execute("select schema_name from duckdb_schemas()").fetchall()
    assert ("fluents",) in schemas
    assert ("fluents_staging",) not in schemas


@pytest.mark.attack
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


def own_pipeline(connection: duckdb.DuckDBPyConnection, folder: Path) -> dlt.Pipeline:
    """A pipeline that is none of ours, into our destination."""
    return dlt.pipeline(
        "own",
        destination=keyed_duckdb(connection),
        dataset_name="own",
        pipelines_dir=str(folder / "dlt"),
    )


@pytest.mark.parametrize("strategy", ["insert-only", "upsert"])
def test_a_key_may_have_any_name_that_dlt_gives_columns(tmp_path: Path, strategy: Any) -> None:
    rows = [{"order": f"{number}", "group": "a"} for number in range(3)]
    with duckdb.connect(str(tmp_path / "file.duckdb")) as connection:
        pipeline = own_pipeline(connection, tmp_path)
        resource = dlt.resource(
            rows,
            name="select",
            primary_key=["order", "group"],
            write_disposition={"disposition": "merge", "strategy": strategy},
        )
        for _ in range(2):
            pipeline.run(resource, loader_file_format="parquet")
        found = connection.execute('select "order" from own."select" order by all').fetchall()
    assert found == [("0",), ("1",), ("2",)]


def test_a_table_that_is_to_be_replaced_is_refused_with_what_to_write(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "file.duckdb")) as connection:
        pipeline = own_pipeline(connection, tmp_path)
        resource = dlt.resource([{"n": 1}], name="ones", write_disposition="replace")
        with pytest.raises(PipelineStepFailed, match=r'ones .*write_disposition="merge"'):
            pipeline.run(resource, loader_file_format="parquet")


def test_what_is_to_be_done_with_a_package_is_done_in_its_transaction_or_undone(
    buffer: SqliteBuffer, clock: Clock, settings: Settings
) -> None:
    append_all(buffer, simulated(20), clock)

    def note(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("create table noted as select count(*) as n from fluents.events")

    def note_and_fail(connection: duckdb.DuckDBPyConnection) -> None:
        note(connection)
        raise Broken

    def batch(after: int) -> Any:
        return fluents_source(buffer.read(after, after + 10, max_rows=10, max_bytes=10**9))

    there = "select table_name from duckdb_tables() where table_name = 'noted'"
    with DuckDbWarehouse(settings) as warehouse:
        with pytest.raises(LoadFailed) as caught:
            warehouse.load(batch(0), note_and_fail)
        assert any(isinstance(error, Broken) for error in causes(caught.value))
        assert warehouse.connection.execute(there).fetchall() == []
        assert warehouse.is_new_to_dlt()
        warehouse.load(batch(0), note)
        assert warehouse.connection.execute("from noted").fetchall() == [(10,)]
        warehouse.load(batch(10))  # and not a second time
        assert warehouse.position(buffer.buffer_id)[0] == 20
