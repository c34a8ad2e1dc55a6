"""Every model gives the rows in its own file, of those in `tests/data/model_cases/input.json`."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from pprint import pformat
from typing import Any

import duckdb
import pytest

from fluents_connector.settings import Settings
from fluents_pipelines.models import built_in, incremental
from fluents_pipelines.sql_files import column_comments
from fluents_pipelines.tables import ALL_TABLES, SCHEMA

CASES = Path(__file__).parents[2] / "data" / "model_cases"
INPUT = CASES / "input.json"
COLUMNS = {"outcome": "text", "score": "number", "details.sold": "boolean", "details": "text"}
SETTINGS = Settings(
    post_call_columns=COLUMNS,
    agents={"sales": "Nora"},
    cost_per_minute={"Nora": 0.3, "inbound": 0.06, "default": 0.12},
)
MODELS = {model.name: model for model in built_in.models(SETTINGS)}
TYPES = {
    "text": "varchar",
    "timestamp": "timestamptz",
    "bigint": "bigint",
    "bool": "boolean",
    "double": "double",
    "json": "json",
}


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """The tables of `fluents_pipelines.tables`, with dlt's column, and dlt's own table of loads."""
    connection.execute(f"set timezone = 'UTC'; create schema {SCHEMA}")
    for table in ALL_TABLES:
        columns = ", ".join(
            f'"{column.name}" {TYPES[column.data_type]}' for column in table.columns
        )
        connection.execute(f"create table {SCHEMA}.{table.name} ({columns}, _dlt_load_id varchar)")
    connection.execute(
        f"create table {SCHEMA}._dlt_loads"
        " (load_id varchar, status bigint, inserted_at timestamptz)"
    )


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory that has no rows, which a test may read."""
    with duckdb.connect() as connection:
        create_tables(connection)
        built_in.build(connection, list(MODELS.values()))
        yield connection


@pytest.fixture(scope="module")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with the rows of `input.json`: a column that a row leaves out is NULL."""
    path = tmp_path_factory.mktemp("model_cases") / "filled.duckdb"
    with duckdb.connect(str(path)) as connection:
        create_tables(connection)
        built_in.build(connection, list(MODELS.values()))
        fill(connection)
    return path


@pytest.fixture
def filled(filled_file: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of that warehouse, which a test may change."""
    path = shutil.copy(filled_file, tmp_path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


def fill(warehouse: duckdb.DuckDBPyConnection) -> None:
    for table, rows in json.loads(INPUT.read_text(encoding="utf-8")).items():
        columns = [name for name, *_ in warehouse.execute(f"describe {SCHEMA}.{table}").fetchall()]
        for row in rows:
            assert row.keys() <= set(columns)
            values = [
                json.dumps(value) if isinstance(value, dict) else value
                for value in map(row.get, columns)
            ]
            marks = ", ".join("?" * len(columns))
            warehouse.execute(f"insert into {SCHEMA}.{table} values ({marks})", values)
    incremental.mark_all_stale(warehouse)
    incremental.refresh(warehouse, list(MODELS.values()))


def as_written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return round(value, 4) if isinstance(value, float) else value


def rows_of(connection: duckdb.DuckDBPyConnection, model: str) -> list[dict[str, Any]]:
    """The rows of a model by its key, without what is NULL."""
    result = connection.execute(
        f"select * from analytics.{model} order by {MODELS[model].header['key']}"
    )
    names = [column[0] for column in result.description or []]
    return [
        {
            name: as_written(value)
            for name, value in zip(names, row, strict=True)
            if value is not None
        }
        for row in result.fetchall()
    ]


@pytest.mark.parametrize("model", sorted(MODELS))
def test_the_model_gives_the_rows_in_its_file(
    filled: duckdb.DuckDBPyConnection, model: str
) -> None:
    expected = json.loads((CASES / f"{model}.rows.json").read_text(encoding="utf-8"))

    # as text, because Python takes true, 1 and 1.0 for equal
    assert pformat(rows_of(filled, model)) == pformat(expected)


def test_every_model_has_a_file_and_every_file_a_model() -> None:
    files = {path.name.removesuffix(".rows.json") for path in CASES.glob("*.rows.json")}
    assert files == set(MODELS)


@pytest.mark.parametrize("model", sorted(MODELS.keys() - {"data_quality"}))
def test_without_rows_a_model_has_none(warehouse: duckdb.DuckDBPyConnection, model: str) -> None:
    assert rows_of(warehouse, model) == []


def test_without_rows_no_issue_has_a_rate(warehouse: duckdb.DuckDBPyConnection) -> None:
    issues = rows_of(warehouse, "data_quality")
    assert len(issues) == 16
    assert {(issue["affected_count"], issue["examined_count"]) for issue in issues} == {(0, 0)}
    assert not any("affected_rate" in issue for issue in issues)


@pytest.mark.parametrize("model", sorted(MODELS))
def test_every_column_of_a_model_has_a_comment_that_tools_show(
    warehouse: duckdb.DuckDBPyConnection, model: str
) -> None:
    shown = dict(
        warehouse.execute(
            "select column_name, comment from duckdb_columns()"
            " where schema_name = 'analytics' and table_name = ?",
            [model],
        ).fetchall()
    )
    assert [name for name, comment in shown.items() if not comment] == []
    assert shown.items() >= {
        (name, text) for name, text in column_comments(MODELS[model]).items() if name
    }


def test_the_comment_of_every_rate_names_the_columns_that_it_divides(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    comments = {
        (model, column): comment
        for model, column, comment in warehouse.execute(
            "select table_name, column_name, comment from duckdb_columns()"
            " where schema_name = 'analytics'"
        ).fetchall()
    }
    rates = [one for one in comments if "_rate" in one[1] and one[0] in MODELS]
    named = {
        (model, column): [
            word
            for word in re.findall(r"[a-z_]+", comments[model, column])
            if (model, word) in comments
        ]
        for model, column in rates
    }

    assert {column for _, column in rates} >= {"human_rate_of_calls", "human_rate_of_connected"}
    assert [one for one, columns in named.items() if len(set(columns)) < 2] == []
