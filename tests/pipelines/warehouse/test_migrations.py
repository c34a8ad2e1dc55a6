"""A warehouse of another version: brought up to date before anything is read or loaded."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from structlog.testing import capture_logs

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.errors import LoadFailed
from fluents_connector.settings import Settings
from fluents_pipelines import derivation
from fluents_pipelines.load import Loader, nothing_to_load
from fluents_pipelines.models import incremental
from fluents_pipelines.normalize import Normalizer
from fluents_pipelines.replay import reconcile
from fluents_pipelines.tables import (
    ALL_TABLES,
    BY_NAME,
    EVENTS,
    LOADS,
    QUARANTINE,
    SCHEMA_VERSION,
    Table,
)
from fluents_pipelines.warehouse import properties
from fluents_pipelines.warehouse.duckdb_file import migrations
from fluents_pipelines.warehouse.duckdb_file.files import FILE
from fluents_pipelines.warehouse.duckdb_file.warehouse import DuckDbWarehouse
from tests import loads
from tests.deliveries import Clock, append_all
from tests.pipelines.contents import contents
from tests.recorded.record import loaded, pending

IDENTITY = {"events.event_id", "quarantine.delivery_id"}
"""Without these the rows cannot be told from each other, and only a backup helps."""

FROM_THE_BUFFER = (EVENTS, QUARANTINE, LOADS)
"""What nothing else in the warehouse says again."""


def settings_in(folder: Path) -> Settings:
    return loads.settings_in(folder).model_copy(update={"batch_rows": 150})


@pytest.fixture(scope="module")
def half_loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set-up with calls in progress, whose rest waits in the buffer."""
    folder = tmp_path_factory.mktemp("half")
    clock = Clock()
    settings = settings_in(folder)
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        append_all(buffer, loaded(), clock)
        with Loader(settings) as loader:
            loader.load()
        append_all(buffer, pending(), clock)
    return folder


@pytest.fixture(scope="module")
def expected(half_loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the tables hold where one version loads all of it."""
    settings = copy_of(half_loaded, tmp_path_factory.mktemp("whole"))
    return load(settings)


def copy_of(folder: Path, to: Path) -> Settings:
    loads.copy_of(folder, to)
    return settings_in(to)


def load(settings: Settings) -> Any:
    with Loader(settings) as loader:
        loader.load()
        assert loader._warehouse.connection.execute(
            "select count(*) from fluents.events"
            " where _dlt_load_id is null or _dlt_load_id not in"
            " (select load_id from fluents._dlt_loads)"
        ).fetchall() == [(0,)]
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        assert buffer.counts().pending == 0
    return contents(settings.data_dir / FILE), contents(settings.warehouse_path)


def change(settings: Settings, *statements: str) -> None:
    with duckdb.connect(str(settings.data_dir / FILE)) as connection:
        for statement in statements:
            connection.execute(statement)


def migrate(settings: Settings) -> None:
    """What a load does before it loads anything."""
    with (
        DuckDbWarehouse(settings) as warehouse,
        Normalizer(settings.payload_fields) as normalizer,
        closing(SqliteBuffer(settings.buffer_file)) as buffer,
    ):
        incremental.prepare(warehouse.connection)
        assert derivation.derive_again(settings, buffer, normalizer, warehouse)


def forget_what_is_loaded(settings: Settings) -> None:
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        buffer.discard(loaded_before=2**62, quarantined_before=0)


@pytest.mark.attack
@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_each_column_that_is_not_there_is_made_and_filled(
    table: Table, half_loaded: Path, tmp_path: Path
) -> None:
    before = contents(settings_in(half_loaded).data_dir / FILE)
    # A table that lacks the first column of its key is made anew, and no other column is added
    # to it then: so those of a key are taken away alone, of the others every third at once.
    others = [name for name in (*table.column_names, "_dlt_load_id") if name not in table.key]
    alone = [[name] for name in table.key if f"{table.name}.{name}" not in IDENTITY]
    for nth, columns in enumerate([*alone, *(others[first::3] for first in range(3))]):
        settings = copy_of(half_loaded, tmp_path / str(nth))
        if table not in FROM_THE_BUFFER:
            forget_what_is_loaded(settings)
        change(
            settings,
            *(f'alter table fluents.{table.name} drop column "{name}"' for name in columns),
        )
        migrate(settings)
        assert contents(settings.data_dir / FILE) == before, columns


@pytest.mark.attack
@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_more_is_loaded_where_only_the_key_was_there(
    table: Table, half_loaded: Path, expected: Any, tmp_path: Path
) -> None:
    settings = copy_of(half_loaded, tmp_path)
    if table not in FROM_THE_BUFFER:
        # then the warehouse's own events must do, for the buffer has none of them any more
        forget_what_is_loaded(settings)
    change(
        settings,
        *(
            f'alter table fluents.{table.name} drop column "{column}"'
            for column in (*table.column_names, "_dlt_load_id")
            if column != table.key[0]
        ),
    )
    assert load(settings) == expected


@pytest.mark.attack
@pytest.mark.parametrize(
    "name",
    [
        *(table.name for table in ALL_TABLES),
        "_dlt_loads",
        "_dlt_version",
        "_dlt_pipeline_state",
        "_properties",
    ],
)
def test_a_table_that_is_not_there_costs_nothing(
    name: str, half_loaded: Path, expected: Any, tmp_path: Path
) -> None:
    settings = copy_of(half_loaded, tmp_path)
    if BY_NAME.get(name, EVENTS) not in FROM_THE_BUFFER:
        forget_what_is_loaded(settings)
    change(settings, f"drop table fluents.{name}")
    assert load(settings) == expected


@pytest.mark.attack
@pytest.mark.parametrize("column", sorted(IDENTITY))
def test_rows_without_identity_are_refused_and_left_alone(
    column: str, half_loaded: Path, tmp_path: Path
) -> None:
    settings = copy_of(half_loaded, tmp_path)
    table, name = column.split(".")
    change(settings, f"alter table fluents.{table} drop column {name}")
    with pytest.raises(LoadFailed, match=f"{table} has no column {name}.*backup"):
        Loader(settings)
    with duckdb.connect(str(settings.data_dir / FILE), read_only=True) as connection:
        assert connection.execute(f"select count(*) > 0 from fluents.{table}").fetchall() == [
            (True,)
        ]


@pytest.mark.attack
def test_a_newer_file_is_refused_and_not_a_byte_of_it_changed(
    half_loaded: Path, tmp_path: Path
) -> None:
    settings = copy_of(half_loaded, tmp_path)
    file = settings.data_dir / FILE
    with duckdb.connect(str(file)) as connection:
        properties.put(connection, properties.VERSION, str(SCHEMA_VERSION + 1))
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    with pytest.raises(LoadFailed, match=r"newer fluents-warehouse.*Install that version again"):
        Loader(settings)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before
    assert not file.with_name(f"{FILE}.wal").exists()


@pytest.mark.attack
def test_a_newer_version_in_the_log_of_a_killed_process_is_seen_and_left_there(
    half_loaded: Path, tmp_path: Path
) -> None:
    settings = copy_of(half_loaded, tmp_path)
    file = settings.data_dir / FILE
    killed = (
        "import duckdb, os, sys\n"
        "connection = duckdb.connect(sys.argv[1])\n"
        "connection.execute(\"update fluents._properties set value = '99'"
        " where name = 'schema_version'\")\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", killed, str(file)], check=False)
    log = file.with_name(f"{FILE}.wal")
    before = file.read_bytes(), log.read_bytes()
    with pytest.raises(LoadFailed, match="schema 99"):
        Loader(settings)
    assert (file.read_bytes(), log.read_bytes()) == before


@pytest.mark.attack
def test_a_migration_that_fails_changes_nothing_and_the_next_one_does_all_of_it(
    half_loaded: Path, expected: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = copy_of(half_loaded, tmp_path)
    change(
        settings,
        "alter table fluents.calls drop column connected_at",
        "drop table fluents.errors",
        "delete from fluents._properties",
    )

    def fail(connection: duckdb.DuckDBPyConnection) -> None:
        raise duckdb.IOException("the disk is full")

    monkeypatch.setattr(migrations, "_mend_load_ids", fail)
    with pytest.raises(LoadFailed, match="was not changed"):
        DuckDbWarehouse(settings)
    with duckdb.connect(str(settings.data_dir / FILE), read_only=True) as connection:
        assert not connection.execute(
            "from duckdb_columns() where schema_name = 'fluents'"
            " and (table_name = 'errors' or column_name = 'connected_at')"
        ).fetchall()
    monkeypatch.undo()
    assert load(settings) == expected


class Killed(BaseException):
    """As a kill, nothing catches it."""


@pytest.mark.attack
@pytest.mark.parametrize("nth", [1, 2, 5])
def test_a_derivation_that_is_killed_goes_on_behind_its_last_batch(
    nth: int, half_loaded: Path, expected: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = copy_of(half_loaded, tmp_path)
    forget_what_is_loaded(settings)
    events = len(contents(settings.data_dir / FILE)["events"])
    change(
        settings,
        "alter table fluents.calls drop column connected_at",
        "delete from fluents.transcript_turns",
    )
    monkeypatch.setattr(derivation, "EVENTS_AT_ONCE", 50)
    batches: list[int] = []

    def killed(warehouse: Any, cursor: Any, normalizer: Any, events: list[str], tables: Any) -> Any:
        batches.append(len(events))
        if len(batches) == nth:
            raise Killed
        return reconcile(warehouse, cursor, normalizer, events, tables)

    monkeypatch.setattr(derivation, "reconcile", killed)
    with pytest.raises(Killed):
        load(settings)
    assert load(settings) == expected
    # all of them, and once more the batch that was killed
    assert sum(batches) == batches[nth - 1] + events


@pytest.mark.attack
def test_what_was_derived_otherwise_is_derived_again_once(
    half_loaded: Path, expected: Any, tmp_path: Path
) -> None:
    settings = copy_of(half_loaded, tmp_path)
    forget_what_is_loaded(settings)
    change(
        settings,
        "update fluents.transcript_turns set text = 'as an older version read it'",
        "insert into fluents.transcript_turns by name"
        " select * replace (turn_index + 100 as turn_index) from fluents.transcript_turns",
        "delete from fluents.actions",
        "update fluents.calls set did_not_connect_reason = upper(did_not_connect_reason)",
        "update fluents._properties set value = 'another' where name = 'derivation'",
    )
    assert load(settings) == expected
    with Loader(settings) as loader, Normalizer(settings.payload_fields) as normalizer:
        connection = loader._warehouse.connection
        assert properties.get(connection, properties.DERIVATION) == normalizer.fingerprint
        assert not derivation.derive_again(settings, loader._buffer, normalizer, loader._warehouse)


@pytest.mark.attack
def test_a_warehouse_of_another_derivation_has_something_to_load_where_nothing_waits(
    half_loaded: Path, expected: Any, tmp_path: Path
) -> None:
    settings = copy_of(half_loaded, tmp_path)
    assert load(settings) == expected
    another = "update fluents._properties set value = 'another' where name = 'derivation'"
    change(settings, another)
    with duckdb.connect(str(settings.warehouse_path.resolve())) as connection:
        connection.execute(another)
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        assert not nothing_to_load(settings, buffer)
        with Loader(settings) as loader:
            assert loader.load().published
        assert nothing_to_load(settings, buffer)


@pytest.mark.attack
def test_an_event_that_there_is_no_memory_for_keeps_its_rows_and_stops_no_upgrade(
    half_loaded: Path, expected: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = copy_of(half_loaded, tmp_path)
    forget_what_is_loaded(settings)
    change(
        settings,
        "update fluents.transcript_turns set text = 'as an older version read it'",
        "update fluents._properties set value = 'another' where name = 'derivation'",
    )
    with duckdb.connect(str(settings.data_dir / FILE), read_only=True) as connection:
        ((dear,),) = connection.execute(
            "select min(event_id) from fluents.transcript_turns"
        ).fetchall()

    def refuse(warehouse: Any, cursor: Any, normalizer: Any, events: list[str], tables: Any) -> Any:
        if dear in events:
            raise duckdb.OutOfMemoryException("failed to pin block")
        return reconcile(warehouse, cursor, normalizer, events, tables)

    monkeypatch.setattr(derivation, "reconcile", refuse)
    with capture_logs() as logs:
        load(settings)
    assert [e["event_id"] for e in logs if e["event"] == "event_not_derived"] == [dear]
    with duckdb.connect(str(settings.data_dir / FILE), read_only=True) as connection:
        assert connection.execute(
            "select distinct event_id from fluents.transcript_turns"
            " where text = 'as an older version read it'"
        ).fetchall() == [(dear,)]


@pytest.mark.attack
def test_a_load_id_that_an_older_version_never_recorded_is_recorded_and_its_batch_loaded(
    half_loaded: Path, expected: Any, tmp_path: Path
) -> None:
    """As a kill before the last tables of a package left it: its row of loads is there already."""
    settings = copy_of(half_loaded, tmp_path)
    with duckdb.connect(str(settings.data_dir / FILE)) as connection:
        ((last, after),) = connection.execute(
            "select load_id, after_position from fluents.loads order by load_id desc limit 1"
        ).fetchall()
    change(
        settings,
        f"delete from fluents._dlt_loads where load_id = '{last}'",
        f"delete from fluents.transcript_turns where _dlt_load_id = '{last}'",
        "delete from fluents._properties",
    )
    with (
        DuckDbWarehouse(settings) as warehouse,
        closing(SqliteBuffer(settings.buffer_file)) as buffer,
    ):
        assert warehouse.position(buffer.buffer_id)[0] == after
        ((inserted_at,),) = warehouse.connection.execute(
            "select epoch(inserted_at) from fluents._dlt_loads where load_id = ?", [last]
        ).fetchall()
        assert inserted_at == pytest.approx(float(last), abs=1e-3)
    assert load(settings) == expected
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        assert connection.execute(
            "select count(*) from analytics.freshness where last_loaded_at is null"
        ).fetchall() == [(0,)]


@pytest.mark.attack
def test_a_file_that_is_up_to_date_is_not_written_to(half_loaded: Path, tmp_path: Path) -> None:
    settings = copy_of(half_loaded, tmp_path)
    DuckDbWarehouse(settings).close()
    before = (settings.data_dir / FILE).read_bytes()
    DuckDbWarehouse(settings).close()
    assert (settings.data_dir / FILE).read_bytes() == before
