"""Readers see all of what was made visible, or nothing of it, and nobody waits for anybody."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.errors import QueryError
from fluents_connector.settings import Settings
from fluents_pipelines.warehouse import open_published, open_warehouse, published
from fluents_pipelines.warehouse.protocol import Warehouse
from tests.contract.warehouse.conftest import everything, load
from tests.deliveries import Clock, append_all, body

pytestmark = pytest.mark.attack

EACH, LOADS = 30, 6
FIGURES = (
    "select (select count(*) from fluents.events), (select count(*) from fluents.errors),"
    " (select count(*) from fluents.calls), (select coalesce(sum(deliveries), 0)::bigint"
    " from fluents.loads)"
)


@pytest.fixture(autouse=True)
def staged(buffer: SqliteBuffer, clock: Clock) -> None:
    some = [body("event_error", f"{n}", call_id=f"call-{n}") for n in range(EACH * LOADS)]
    append_all(buffer, some, clock)


def show(warehouse: Warehouse, buffer: SqliteBuffer, load_number: int) -> None:
    load(warehouse, buffer, EACH * (load_number - 1), EACH * load_number)
    warehouse.make_visible()


def test_before_anything_is_visible_readers_are_told_to_load(settings: Settings) -> None:
    assert published(settings).state() is None
    assert published(settings).version() is None
    with pytest.raises(QueryError, match="fluents-warehouse load"), open_published(settings):
        pass


def test_readers_see_all_that_the_loader_holds(
    warehouse: Warehouse, settings: Settings, buffer: SqliteBuffer
) -> None:
    versions = []
    for number in (1, 2):
        show(warehouse, buffer, number)
        versions.append(published(settings).version())
        assert warehouse.is_visible()
        assert published(settings).state() == warehouse.state()
        with open_published(settings) as reader:
            assert everything(reader) == everything(warehouse.connection)
    assert None not in versions
    assert versions[0] != versions[1]


def test_with_no_loader_at_work_it_is_known_whether_readers_see_all(
    settings: Settings, buffer: SqliteBuffer
) -> None:
    with open_warehouse(settings) as warehouse:
        show(warehouse, buffer, 1)
    assert published(settings).is_current()


def test_a_reader_keeps_what_it_began_with_while_loads_go_on(
    warehouse: Warehouse, settings: Settings, buffer: SqliteBuffer
) -> None:
    show(warehouse, buffer, 1)
    with open_published(settings) as reader:
        reader.begin()
        half_read = reader.cursor().execute("from fluents.events")
        half_read.fetchone()
        for number in (2, 3):
            show(warehouse, buffer, number)
            assert reader.execute(FIGURES).fetchall() == [(EACH,) * 4]
        assert len(half_read.fetchall()) == EACH - 1
    with open_published(settings) as reader:
        assert reader.execute(FIGURES).fetchall() == [(EACH * 3,) * 4]


def test_readers_see_whole_loads_only_at_any_moment(
    warehouse: Warehouse, settings: Settings, buffer: SqliteBuffer
) -> None:
    show(warehouse, buffer, 1)
    seen: list[list[tuple[int, ...]]] = []
    looked, stop = threading.Semaphore(0), threading.Event()

    def look() -> None:
        while not stop.is_set():
            with open_published(settings) as reader:
                seen.append(reader.execute(FIGURES).fetchall())
            looked.release()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for number in range(2, LOADS + 1):
            show(warehouse, buffer, number)
            assert looked.acquire(timeout=60)
    finally:
        stop.set()
        thread.join()
    with open_published(settings) as reader:
        seen.append(reader.execute(FIGURES).fetchall())
    whole = [[(EACH * number,) * 4] for number in range(1, LOADS + 1)]
    assert [figures for figures in seen if figures not in whole] == []
    assert seen == sorted(seen)
    assert seen[-1] == whole[-1]


def test_a_reader_changes_nothing(
    warehouse: Warehouse, settings: Settings, buffer: SqliteBuffer
) -> None:
    show(warehouse, buffer, 1)
    for statement in ("delete from fluents.events", "create table fluents.mine as select 1"):
        with open_published(settings) as reader, pytest.raises(duckdb.Error):
            reader.execute(statement)
    with open_published(settings) as reader:
        assert reader.execute(FIGURES).fetchall() == [(EACH,) * 4]


def test_an_engine_attaches_one_version_beside_another(
    warehouse: Warehouse, settings: Settings, buffer: SqliteBuffer, tmp_path: Path
) -> None:
    links = tmp_path / "links"
    links.mkdir()
    seen = published(settings)
    with duckdb.connect() as engine:
        for number in (1, 2):
            show(warehouse, buffer, number)
            seen.attach(engine, f"number {number}", links)
        counts = [
            engine.execute(f'select count(*) from "number {number}".fluents.events').fetchall()
            for number in (1, 2)
        ]
        assert counts == [[(EACH,)], [(EACH * 2,)]]
        for number in (1, 2):
            seen.detach(engine, f"number {number}", links)
        databases = engine.execute("select database_name from duckdb_databases()").fetchall()
    assert not {("number 1",), ("number 2",)} & set(databases)
    assert list(links.iterdir()) == []


def test_what_has_room_and_is_due_is_said_to_be(
    warehouse: Warehouse, settings: Settings, buffer: SqliteBuffer
) -> None:
    assert warehouse.is_due()  # where nothing is visible yet
    assert warehouse.lacks_room() is None
    show(warehouse, buffer, 1)
    assert warehouse.is_due()  # publish_share = 1
