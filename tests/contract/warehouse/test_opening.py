"""One loader at a time opens a warehouse, in the version that it knows."""

from __future__ import annotations

import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.errors import LoadFailed, LoadRunning
from fluents_connector.settings import Settings
from fluents_pipelines.tables import SCHEMA_VERSION
from fluents_pipelines.warehouse import open_published, open_warehouse, properties
from tests.contract.warehouse.conftest import everything, load
from tests.deliveries import Clock, append_all, body


@pytest.fixture(autouse=True)
def staged(buffer: SqliteBuffer, clock: Clock) -> None:
    append_all(buffer, [body("event_error", "one")], clock)


def test_a_second_loader_is_refused_until_the_first_ends(
    settings: Settings, buffer: SqliteBuffer
) -> None:
    with open_warehouse(settings) as first:
        load(first, buffer, 0, 1)
        with pytest.raises(LoadRunning):
            open_warehouse(settings)
        assert first.position(buffer.buffer_id)[0] == 1
    with open_warehouse(settings) as second:
        assert second.position(buffer.buffer_id)[0] == 1


def test_what_it_holds_outlasts_closing_it(settings: Settings, buffer: SqliteBuffer) -> None:
    with open_warehouse(settings) as warehouse:
        load(warehouse, buffer, 0, 1)
        before, state = everything(warehouse.connection), warehouse.state()
    with open_warehouse(settings) as warehouse:
        assert everything(warehouse.connection) == before
        assert warehouse.state() == state


def test_one_of_a_newer_version_is_refused_and_its_readers_go_on(
    settings: Settings, buffer: SqliteBuffer
) -> None:
    with open_warehouse(settings) as warehouse:
        load(warehouse, buffer, 0, 1)
        properties.put(warehouse.connection, properties.VERSION, str(SCHEMA_VERSION + 1))
        warehouse.make_visible()
    with open_published(settings) as reader:
        before = everything(reader)
    for _ in range(2):
        with pytest.raises(LoadFailed, match=rf"newer .*schema {SCHEMA_VERSION + 1}"):
            open_warehouse(settings)
    with open_published(settings) as reader:
        assert everything(reader) == before


def test_one_that_lacks_tables_and_columns_gets_them(
    settings: Settings, buffer: SqliteBuffer
) -> None:
    with open_warehouse(settings) as warehouse:
        load(warehouse, buffer, 0, 1)
        tables = everything(warehouse.connection).keys()
        warehouse.connection.execute("drop table fluents.messages")
        warehouse.connection.execute("alter table fluents.errors drop column message")
    with open_warehouse(settings) as warehouse:
        assert everything(warehouse.connection).keys() == tables
        assert warehouse.connection.execute("select message from fluents.errors").fetchall() == [
            (None,)
        ]
        assert warehouse.state().derivation == ""  # so the next load makes its value again
        assert warehouse.is_new_to_dlt()
