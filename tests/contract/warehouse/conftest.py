"""Each test of this folder runs on each kind of warehouse that the settings can choose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest

from fluents_connector.buffer import Batch, SqliteBuffer
from fluents_connector.settings import Settings
from fluents_pipelines.source import fluents_source
from fluents_pipelines.warehouse import open_warehouse
from fluents_pipelines.warehouse.protocol import Warehouse

Rows = dict[str, list[tuple[Any, ...]]]

KINDS: dict[str, Callable[[Settings], Settings]] = {"DuckDB file": lambda settings: settings}
"""What makes the settings choose each kind."""


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    chosen: Settings = request.param(settings)
    return chosen


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Warehouse]:
    with open_warehouse(settings) as opened:
        yield opened


def read(buffer: SqliteBuffer, after: int, up_to: int) -> Batch:
    return buffer.read(after, up_to, max_rows=10_000, max_bytes=10**9)


def load(warehouse: Warehouse, buffer: SqliteBuffer, after: int, up_to: int) -> list[str]:
    """Loads the deliveries behind one position up to another, as one batch; gives their ids."""
    batch = read(buffer, after, up_to)
    warehouse.load(fluents_source(batch))
    return [row[1] for row in batch.rows]


def everything(connection: duckdb.DuckDBPyConnection) -> Rows:
    """All rows of all tables of a warehouse, its own accounts included."""
    tables = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables()"
        " where database_name = current_database() and not internal order by all"
    ).fetchall()
    return {name: connection.execute(f"from {name} order by all").fetchall() for (name,) in tables}


def of_the_source(rows: Rows) -> Rows:
    """Without what says when and by which load a row came."""
    return {
        name: sorted({row[:-1] for row in there}, key=repr)  # _dlt_load_id is the last column
        for name, there in rows.items()
        if name.startswith("fluents.") and not name.startswith(("fluents._", "fluents.loads"))
    }
