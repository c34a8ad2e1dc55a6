"""Which statements `sql/serving.sql` admits, on every DuckDB: Quack itself is not there for all."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from fluents_pipelines.sql_files import sql_folder
from tests.statements import ADMITTED, REFUSED


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database that serves one table under its name alone, and one of two schemas."""
    with duckdb.connect() as connection:
        connection.execute((sql_folder() / "serving.sql").read_text(encoding="utf-8"))
        connection.execute(
            "insert into serving.served values ('analytics', 'call_summary', 'CREATE TABLE …'),"
            " ('analytics', 'calls', null), ('fluents', 'calls', null)"
        )
        connection.execute(
            "create schema fluents; create schema analytics;"
            "create view fluents.calls as select 'a' as call_id, 'b' as payload;"
            "create view analytics.call_summary as from fluents.calls;"
            "create view main.call_summary as from fluents.calls"
        )
        yield connection


def is_admitted(connection: duckdb.DuckDBPyConnection, sql: str) -> object:
    try:
        ((answer,),) = connection.execute("select admitted('session', ?)", [sql]).fetchall()
    except duckdb.Error:  # which Quack takes for a no
        return False
    return answer


@pytest.mark.parametrize("sql", REFUSED)
def test_nothing_but_one_select_from_what_is_served_is_admitted(
    connection: duckdb.DuckDBPyConnection, sql: str
) -> None:
    assert is_admitted(connection, sql) is not True


@pytest.mark.parametrize("sql", ADMITTED)
def test_a_select_from_what_is_served_is_admitted_and_runs(
    connection: duckdb.DuckDBPyConnection, sql: str
) -> None:
    assert is_admitted(connection, sql) is True
    connection.execute(sql).fetchall()


def test_a_name_that_two_schemas_have_needs_its_schema(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert is_admitted(connection, "from calls") is False
    assert is_admitted(connection, "from analytics.calls") is True
