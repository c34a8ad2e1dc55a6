"""The recipes of docs/reading.md, run by the real clients on a published warehouse."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest
from packaging.version import Version
from sqlalchemy import create_engine, inspect

from tests.docs.pages import fenced, named, section
from tests.recipes.running import run_python, run_shell

RECIPES = section("docs/reading.md", "Recipes")
SHELL = named(RECIPES, "sh", "cli", "files", "dlt commands", "dlt dashboard")
PYTHON = named(
    RECIPES,
    "python",
    *("duckdb", "pandas", "polars", "ibis", "sqlalchemy", "adbc", "dlt", "fluents_source"),
)
CALLS = "select outcome, count(*) from analytics.call_summary group by all"


def answer(folder: Path, sql: str) -> dict[str, int]:
    with duckdb.connect(str(folder / "fluents_warehouse.duckdb"), read_only=True) as connection:
        return dict(connection.execute(sql).fetchall())


def shows(printed: str, counts: dict[str, int]) -> bool:
    """Whether each name is printed with its number, however the client draws them."""
    return all(
        re.search(rf"\b{name}\b\W+(\w+'\W+)?{count}\b", printed) for name, count in counts.items()
    )


@pytest.mark.attack
@pytest.mark.parametrize("client", ["duckdb", "pandas", "polars", "ibis", "sqlalchemy", "adbc"])
def test_a_python_client_answers(client: str, folder: Path) -> None:
    before = (folder / "fluents_warehouse.duckdb").read_bytes()
    printed = run_python(folder, PYTHON[client])
    counts = answer(folder, CALLS)
    assert len(counts) >= 4
    assert shows(printed, counts), printed
    assert (folder / "fluents_warehouse.duckdb").read_bytes() == before


@pytest.mark.parametrize("recipe", ["cli", "files"])
def test_duckdbs_own_command_line_answers(recipe: str, folder: Path) -> None:
    printed = run_shell(folder, SHELL[recipe])
    assert shows(printed, answer(folder, CALLS)), printed
    if recipe == "files":
        written = pyarrow.parquet.read_metadata(folder / "call_summary.parquet")
        assert written.num_rows == sum(answer(folder, CALLS).values())


@pytest.mark.xfail(
    Version(duckdb.__version__) >= Version("2"),
    reason="Ibis 12 asks for fetch_arrow_table; once it does not, change docs/reading.md",
    strict=True,
)
def test_ibis_lists_the_models(folder: Path) -> None:
    code = 'print(warehouse.list_tables(database="analytics"))'
    assert "call_summary" in run_python(folder, PYTHON["ibis"] + code)


def test_each_client_opens_the_file_read_only() -> None:
    opening = [*fenced(RECIPES, "python")[:-1], SHELL["cli"], SHELL["dlt dashboard"]]
    assert all(re.search("read.?only", block, re.IGNORECASE) for block in opening)


@pytest.mark.attack
def test_sqlalchemy_shows_the_comments_of_tables_views_and_columns(folder: Path) -> None:
    assert "One row for each call, folded" in run_python(folder, PYTHON["sqlalchemy"])
    url = f"duckdb:///{folder / 'fluents_warehouse.duckdb'}?access_mode=read_only"
    engine = create_engine(url)
    inspector = inspect(engine)
    for schema, name in (("fluents", "events"), ("analytics", "calls_daily")):
        columns = inspector.get_columns(name, schema=schema)
        assert len(columns) > 10
        assert all(column["comment"] for column in columns)
    engine.dispose()


def test_sqlalchemy_without_a_pool_sees_what_was_published_since(made: Path, folder: Path) -> None:
    code = (
        PYTHON["sqlalchemy"].split("with engine")[0]
        + """
import os, duckdb
def count():
    with engine.connect() as warehouse:
        return warehouse.execute(text("select count(*) from fluents.calls")).scalar()
print(count())
with duckdb.connect("next.duckdb") as following:
    following.execute("create schema fluents; create table fluents.calls as select 1 as n")
os.replace("next.duckdb", "fluents_warehouse.duckdb")
print(count())
"""
    )
    calls = answer(made, "select 'calls', count(*) from fluents.calls")["calls"]
    assert run_python(folder, code).split() == [str(calls), "1"]


@pytest.mark.attack
def test_other_pipelines_run_the_source(folder: Path) -> None:
    run_python(folder, PYTHON["fluents_source"])
    with duckdb.connect(str(folder / "mine.duckdb"), read_only=True) as mine:
        assert mine.execute("select count(*) from fluents.events").fetchall() == [(300,)]
