"""What DuckDB, and so every tool, shows of tables and columns."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import Settings
from fluents_pipelines.load import LoadResult
from fluents_pipelines.sql_text import literal
from fluents_pipelines.tables import ALL_TABLES, BY_NAME
from fluents_pipelines.warehouse import comments
from fluents_pipelines.warehouse.duckdb_file.files import FILE
from tests.deliveries import Clock, append_all, body
from tests.pipelines.conftest import Query

Load = Callable[[], LoadResult]
RELATIONS = (
    "(select schema_name, table_name as name, comment from duckdb_tables() union all"
    " select schema_name, view_name, comment from duckdb_views() where not internal)"
)


@pytest.fixture(autouse=True)
def loaded(buffer: SqliteBuffer, clock: Clock, load: Load) -> None:
    append_all(buffer, [body("event_error", "one")], clock)
    load()


def test_every_table_view_and_column_has_a_comment(query: Query) -> None:
    assert query(f"select schema_name, name from {RELATIONS} where comment is null") == []
    assert query(
        "select table_name, column_name from duckdb_columns() where not internal"
        " and comment is null"
    ) == []  # fmt: skip
    assert query(f"select count(*) from {RELATIONS} where schema_name = 'analytics'")[0][0] >= 16


def test_the_comments_are_the_descriptions(query: Query) -> None:
    there = dict(query("select table_name, comment from duckdb_tables()"))
    assert {table.name: there[table.name] for table in ALL_TABLES} == {
        table.name: table.description for table in ALL_TABLES
    }
    assert query(
        "select comment from duckdb_columns()"
        " where schema_name = 'fluents' and table_name = 'errors' and column_name = 'code'"
    ) == [("Its code, or else that of the event, where it has one.",)]


@pytest.mark.attack
def test_a_table_that_was_dropped_gets_its_comments_again(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings, query: Query
) -> None:
    with duckdb.connect(str(settings.data_dir / FILE)) as connection:
        connection.execute("drop table fluents.messages")
        connection.execute("comment on table fluents.errors is 'somebody else''s'")
    append_all(buffer, [body("event_error", "two")], clock)
    load()
    assert query(
        "select table_name, comment from duckdb_tables()"
        " where table_name in ('messages', 'errors') order by 1"
    ) == [(name, BY_NAME[name].description) for name in ("errors", "messages")]


def test_comments_that_are_right_are_not_written_again(settings: Settings) -> None:
    path = settings.data_dir / FILE
    with duckdb.connect(str(path)) as connection:
        connection.execute("set checkpoint_threshold = '1TB'")
        comments.describe(connection)
        assert not path.with_name(f"{FILE}.wal").exists()


def test_a_quote_in_a_comment_stays_one() -> None:
    assert duckdb.sql("select " + literal("it's")).fetchall() == [("it's",)]
