from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.errors import LoadFailed, LoadRunning
from fluents_connector.loader_state import loader_state
from fluents_connector.settings import Settings
from fluents_connector.simulator import simulate
from fluents_pipelines.batches import Normalized
from fluents_pipelines.load import Loader, LoadResult, nothing_to_load
from fluents_pipelines.normalize import Normalizer
from fluents_pipelines.source import fluents_source
from fluents_pipelines.tables import ALL_TABLES
from fluents_pipelines.warehouse.duckdb_file.warehouse import DuckDbWarehouse
from fluents_pipelines.warehouse.loading import KEPT_PACKAGES
from tests.deliveries import Clock, append_all, body, whole
from tests.pipelines.conftest import Query
from tests.pipelines.contents import contents
from tests.processes import write_settings

Load = Callable[[], LoadResult]


def simulated(count: int, seed: int = 0) -> list[bytes]:
    return [delivery.body for delivery in islice(simulate(seed=seed), count)]


def test_each_delivery_is_in_events_or_in_the_quarantine(
    buffer: SqliteBuffer, clock: Clock, load: Load, query: Query
) -> None:
    append_all(buffer, [*simulated(300), b"[]", b"\xff", simulated(1)[0]], clock)
    assert load().deliveries == 303
    assert query("select count(*), count(duplicate_of) > 0 from fluents.events") == [(301, True)]
    assert query("select reason from fluents.quarantine order by position") == [
        ("not_an_object",),
        ("not_utf8",),
    ]


def test_a_load_confirms_to_the_buffer_what_the_warehouse_holds(
    buffer: SqliteBuffer, clock: Clock, load: Load
) -> None:
    append_all(buffer, [body("event_error", "a"), body("event_error", "a"), b"x"], clock)
    assert buffer.counts().pending == 1
    load()
    counts = buffer.counts()
    assert (counts.received, counts.loaded, counts.duplicates, counts.quarantined) == (3, 1, 1, 1)
    assert (counts.pending, counts.confirmed_position) == (0, 3)


def test_a_loader_knows_whether_something_arrived_since_its_last_load(
    buffer: SqliteBuffer, clock: Clock, settings: Settings
) -> None:
    with Loader(settings) as loader:
        assert loader.has_arrivals()  # it has not looked yet
        loader.load()
        assert not loader.has_arrivals()
        append_all(buffer, [b"refused"], clock)
        assert loader.has_arrivals()
        loader.load()
        assert not loader.has_arrivals()
        buffer.discard(loaded_before=2**62, quarantined_before=2**62)
        assert not loader.has_arrivals()


def test_loading_the_buffer_again_from_the_beginning_changes_nothing(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings
) -> None:
    append_all(buffer, simulated(400), clock)
    load()
    before = contents(settings.warehouse_path)
    with DuckDbWarehouse(settings) as warehouse:
        warehouse.connection.execute("delete from fluents.loads")
    assert load().deliveries == 400
    assert contents(settings.warehouse_path) == before
    assert len(before["events"]) == 400


@pytest.mark.attack
def test_batches_of_any_size_give_the_same_tables(
    buffer: SqliteBuffer, clock: Clock, settings: Settings, tmp_path: Path
) -> None:
    append_all(buffer, simulated(300), clock)
    seen = []
    for name, limits in (
        ("one", {}),
        ("rows", {"batch_rows": 37}),
        ("bytes", {"batch_bytes": 9_000}),
    ):
        data_dir = tmp_path / name
        own = settings.model_copy(
            update={
                "data_dir": data_dir,
                "buffer_path": settings.buffer_file,
                "warehouse_path": tmp_path / f"{name}.duckdb",
                **limits,
            }
        )
        with Loader(own) as loader:
            result = loader.load()
        assert result.deliveries == 300
        assert result.batches == 1 if name == "one" else result.batches > 5
        seen.append(contents(own.warehouse_path))
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.attack
def test_losing_dlts_folder_between_loads_changes_nothing(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings, query: Query
) -> None:
    append_all(buffer, simulated(100), clock)
    load()
    before = contents(settings.warehouse_path)
    shutil.rmtree(settings.data_dir / "dlt")
    append_all(buffer, [body("event_error", "late", call_id="late")], clock)
    assert load().deliveries == 1
    assert query("select message from fluents.errors where call_id = 'late'") == [("late",)]
    after = contents(settings.warehouse_path)
    assert set(before["events"]) < set(after["events"])
    assert len(after["events"]) == 101


@pytest.mark.attack
@pytest.mark.parametrize("folder_lost", [False, True], ids=["dropped", "folder lost"])
def test_a_package_left_by_an_interrupted_load_neither_loses_nor_doubles(
    folder_lost: bool,
    buffer: SqliteBuffer,
    clock: Clock,
    load: Load,
    settings: Settings,
    query: Query,
) -> None:
    append_all(buffer, simulated(10, seed=2), clock)
    load()
    append_all(buffer, simulated(50), clock)
    with (
        DuckDbWarehouse(settings) as warehouse,
        Normalizer(settings.payload_fields) as normalizer,
    ):
        batch = buffer.read(10, 60, max_rows=100, max_bytes=10**6)
        warehouse._loading.pipeline.extract(
            fluents_source(Normalized.of(batch, normalizer.tables(batch)))
        )
        warehouse._loading.pipeline.normalize()
        assert warehouse._loading.pipeline.has_pending_data
    if folder_lost:
        shutil.rmtree(settings.data_dir / "dlt")
    append_all(buffer, simulated(20, seed=1), clock)
    assert load().deliveries == 70
    assert query("select count(*), count(distinct event_id) from fluents.events") == [(80, 80)]
    assert buffer.counts().pending == 0


def test_a_new_buffer_in_place_of_a_deleted_one_is_loaded_from_its_beginning(
    clock: Clock, load: Load, settings: Settings, query: Query
) -> None:
    first = SqliteBuffer(settings.buffer_file)
    append_all(first, [body("event_error", f"old {n}") for n in range(5)], clock)
    load()
    first.close()
    settings.buffer_file.unlink()
    second = SqliteBuffer(settings.buffer_file)
    append_all(second, [body("event_error", f"new {n}") for n in range(3)], clock)
    second.close()
    assert load().deliveries == 3
    assert query(
        "select count(*), count(distinct buffer_id), max(position) from fluents.events"
    ) == [(8, 2, 5)]


@pytest.mark.attack
def test_one_bad_body_among_ten_thousand_does_not_stop_a_load(
    buffer: SqliteBuffer, clock: Clock, load: Load, query: Query
) -> None:
    hostile = [
        b'{"call_id":"c","type":"event_transcript","payload":{"transcript":"\\ud800 \\u0000"}}',
        b'{"call_id":"c","type":"event_error","payload":' + b"[" * 120 + b"]" * 120 + b"}",
        b'{"call_id":"c","type":"event_message","payload":{"timestamp":1e400,"text":[]}}',
        b"{",
        b"\x00\xff",
    ]
    good = simulated(10_000)
    append_all(buffer, [*good[:5_000], *hostile, *good[5_000:]], clock)
    assert load().deliveries == 10_005
    assert query("select count(*) from fluents.events") == [(10_003,)]
    assert query("select transcript from fluents.transcripts where call_id = 'c'") == [
        ("\ufffd \x00",)
    ]


def test_a_second_load_at_the_same_time_ends_at_once(settings: Settings) -> None:
    with Loader(settings), pytest.raises(LoadRunning, match="Another load is running"):
        Loader(settings)
    with Loader(settings) as free_again:
        assert free_again.load().deliveries == 0


def test_a_load_with_nothing_to_do_writes_nothing(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings
) -> None:
    append_all(buffer, simulated(20), clock)
    assert not nothing_to_load(settings, buffer)
    load()
    assert nothing_to_load(settings, buffer)

    def files() -> dict[Path, bytes]:
        return {
            path: path.read_bytes()
            for folder in (settings.data_dir, settings.warehouse_path.parent)
            for path in folder.rglob("*")
            if path.is_file() and path.suffix != ".sqlite-shm"
        }

    before = files()
    result = load()
    assert (result.deliveries, result.published) == (0, False)
    assert files() == before


def test_the_first_load_makes_every_table_and_model_even_with_no_event(
    load: Load, query: Query
) -> None:
    assert load().published
    assert query("select count(*) from analytics.call_summary") == [(0,)]
    assert query("select count(*) from fluents.quarantine") == [(0,)]


def test_a_deleted_published_file_is_published_again(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings, query: Query
) -> None:
    append_all(buffer, simulated(10), clock)
    load()
    settings.warehouse_path.unlink()
    assert load().published
    assert query("select count(*) from fluents.events") == [(10,)]


def test_a_kill_between_load_and_publishing_is_made_up_for_by_the_next_load(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings, query: Query
) -> None:
    append_all(buffer, simulated(10), clock)
    load()
    report = (settings.data_dir / "last_load.json").read_bytes()
    published = settings.warehouse_path.read_bytes()
    append_all(buffer, [body("event_error", "not seen yet", call_id="late")], clock)
    load()
    # as if the second load had been killed before it published and reported
    (settings.data_dir / "last_load.json").write_bytes(report)
    settings.warehouse_path.write_bytes(published)
    assert query("select count(*) from fluents.errors where call_id = 'late'") == [(0,)]
    assert not nothing_to_load(settings, buffer)
    assert load().published
    assert query("select count(*) from fluents.errors where call_id = 'late'") == [(1,)]


@pytest.mark.attack
def test_a_table_that_an_older_version_did_not_make_is_made(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings, query: Query
) -> None:
    append_all(buffer, [body("event_error", "one")], clock)
    known_then = [table.name for table in ALL_TABLES if table.name != "recordings"]
    with DuckDbWarehouse(settings) as warehouse:
        warehouse.load(fluents_source(whole(buffer)).with_resources(*known_then))
    append_all(buffer, [body("event_error", "two")], clock)
    assert load().deliveries == 1
    assert query("select count(*) from fluents.errors") == [(2,)]
    assert query("select count(*) from fluents.recordings") == [(0,)]


@pytest.mark.attack
def test_a_table_that_somebody_dropped_is_made_again_with_its_rows(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings, query: Query
) -> None:
    append_all(buffer, [body("event_error", "one")], clock)
    load()
    with DuckDbWarehouse(settings) as warehouse:
        warehouse.connection.execute("drop table fluents.errors")
    append_all(buffer, [body("event_error", "two")], clock)
    assert load().deliveries == 1
    assert query("select message from fluents.errors order by all") == [("one",), ("two",)]


def test_a_deleted_warehouse_is_loaded_again_from_what_the_buffer_keeps(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings
) -> None:
    append_all(buffer, simulated(60), clock)
    load()
    before = contents(settings.warehouse_path)
    (settings.data_dir / "warehouse.duckdb").unlink()
    append_all(buffer, simulated(1, seed=5), clock)
    load()
    after = contents(settings.warehouse_path)
    assert set(before["events"]) < set(after["events"])


def test_what_is_confirmed_and_old_is_discarded(buffer: SqliteBuffer, settings: Settings) -> None:
    append_all(buffer, [*simulated(30), b"refused"], Clock())  # received on 2026-01-01
    keep_refused_only = {"buffer_keep_days": 7, "quarantine_keep_days": 36500}
    with Loader(settings.model_copy(update=keep_refused_only)) as loader:
        loader.load()
    assert [row[8] for row in whole(buffer).rows] == ["not_json"]
    counts = buffer.counts()
    assert (counts.received, counts.loaded + counts.duplicates, counts.quarantined) == (31, 30, 1)


def test_a_failed_load_says_why_and_the_next_one_goes_on(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings, query: Query
) -> None:
    append_all(buffer, simulated(5), clock)
    settings.warehouse_path.mkdir()  # cannot be replaced by a file
    with pytest.raises(LoadFailed, match=r"published\.duckdb could not be published"):
        load()
    report = loader_state(settings).report()
    assert report is not None
    assert not report.succeeded
    assert "could not be published" in str(report.error)
    settings.warehouse_path.rmdir()
    assert load().published
    assert query("select count(*) from fluents.events") == [(5,)]


def test_a_loader_file_that_another_process_has_open_is_reported(
    load: Load, settings: Settings, tmp_path: Path
) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "warehouse.duckdb").write_text("not a database")
    with pytest.raises(LoadFailed, match="cannot be opened"):
        load()


def test_progress_ends_at_the_total(buffer: SqliteBuffer, clock: Clock, settings: Settings) -> None:
    append_all(buffer, simulated(25), clock)
    seen: list[tuple[int, int]] = []
    with Loader(settings.model_copy(update={"batch_rows": 10})) as loader:
        loader.load(lambda done, total: seen.append((done, total)))
    assert seen == [(0, 25), (10, 25), (20, 25), (25, 25)]


def test_load_ids_lead_from_every_row_to_its_completed_package(
    buffer: SqliteBuffer, clock: Clock, load: Load, query: Query
) -> None:
    append_all(buffer, simulated(40), clock)
    load()
    assert query(
        "select count(*), count(packages.load_id) from fluents.events"
        " left join fluents._dlt_loads as packages on packages.load_id = events._dlt_load_id"
    ) == [(40, 40)]


@pytest.mark.attack
def test_dlts_folder_does_not_grow_with_each_load(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings
) -> None:
    with Loader(settings) as loader:
        for n in range(KEPT_PACKAGES + 3):
            append_all(buffer, [body("event_error", f"e{n}")], clock)
            loader.load()
    loaded = settings.data_dir / "dlt" / "fluents_warehouse" / "load" / "loaded"
    assert len(list(loaded.iterdir())) == KEPT_PACKAGES


def test_tables_and_columns_carry_their_descriptions(load: Load, settings: Settings) -> None:
    load()
    with DuckDbWarehouse(settings) as warehouse:
        schema = warehouse._loading.pipeline.default_schema
    for name in ("events", "calls", "transcripts", "post_call_results", "loads"):
        table = schema.get_table(name)
        assert table["description"], name
        assert all(
            column.get("description")
            for column in table["columns"].values()
            if not column["name"].startswith("_dlt")
        ), json.dumps(table["columns"])


@pytest.mark.attack
@pytest.mark.parametrize("wanted", [False, True], ids=["by default", "where the user wants it"])
def test_dlt_reports_to_its_makers_only_where_the_user_wants_it(
    wanted: bool,
    buffer: SqliteBuffer,
    clock: Clock,
    tmp_path: Path,
    command: Callable[..., Any],
) -> None:
    append_all(buffer, simulated(5), clock)
    write_settings(tmp_path, data_dir="data")
    with socket.create_server(("127.0.0.1", 0)) as makers:
        port = makers.getsockname()[1]
        variables = {"RUNTIME__DLTHUB_TELEMETRY_ENDPOINT": f"http://127.0.0.1:{port}"}
        if wanted:
            variables["RUNTIME__DLTHUB_TELEMETRY"] = "true"
        assert command("load", env=variables).returncode == 0
        makers.setblocking(False)
        try:
            makers.accept()[0].close()
        except BlockingIOError:
            reported = False
        else:
            reported = True
    assert reported == wanted
