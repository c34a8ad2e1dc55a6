"""Custom models: views beside the built-in ones, which can be wrong without stopping anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from structlog.testing import capture_logs

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.loader_state import loader_state
from fluents_connector.settings import Settings
from fluents_pipelines.load import Loader, nothing_to_load
from fluents_pipelines.models import built_in, custom
from tests.deliveries import Clock, append_all, body
from tests.pipelines.conftest import Query
from tests.pipelines.models.test_model_cases import filled, filled_file

__all__ = ["filled", "filled_file"]

BUILT_IN = {model.name for model in built_in.models()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(update={"models_dir": folder})


def write(folder: Path, **files: str) -> None:
    for name, sql in files.items():
        (folder / f"{name}.sql").write_text(sql)


@pytest.fixture
def build(filled: duckdb.DuckDBPyConnection, folder: Path) -> Callable[..., list[str]]:
    """Writes files and makes their views, as a load does; says what is wrong."""

    def run(**files: str) -> list[str]:
        write(folder, **files)
        errors = custom.build(filled, custom.read(folder), BUILT_IN)
        return [error.removeprefix(f"{folder}/") for error in errors]

    return run


def names(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return built_in.relations(connection).keys() - BUILT_IN - {"stale_calls", "calls_not_computed"}


def test_a_view_that_somebody_made_under_an_odd_name_goes(
    build: Callable[..., list[str]], filled: duckdb.DuckDBPyConnection
) -> None:
    filled.execute('create view analytics."my ""own"" view" as select 1 as n')
    assert build(a="select 1 as n") == []
    assert names(filled) == {"a"}


def test_they_select_from_built_in_ones_and_from_each_other_in_any_order_of_names(
    build: Callable[..., list[str]], filled: duckdb.DuckDBPyConnection
) -> None:
    errors = build(
        a="-- Twice as many.\nselect\n    -- Their number.\n    n * 2 as n\nfrom analytics.Z;\n",
        order="from analytics.a",  # a reserved word
        z="select count(*) as n from analytics.call_summary join fluents.calls using (call_id)",
    )
    assert errors == []
    assert filled.execute(
        'select n = 2 * (select count(*) from fluents.calls) from analytics."order"'
    ).fetchall() == [(True,)]
    assert filled.execute(
        "select view_name, comment from duckdb_views() where view_name = 'a'"
        " union all select column_name, comment from duckdb_columns() where table_name = 'a'"
    ).fetchall() == [("a", "Twice as many."), ("n", "Their number.")]


WRONG = {
    "syntax": ("select 1\nfrom from x", ":2: Parser Error: syntax error"),
    "unknown_column": (
        "-- Head.\nselect call_id,\n  nope\nfrom fluents.calls",
        ':3: Binder Error: .*"nope" not found',
    ),
    "unknown_table": ("select 1\nfrom analytics.nothing", ":2: Catalog Error: .*nothing"),
    "its_own_former_self": ("select 1\nfrom analytics.wrong", ":2: these models select from"),
    "drop": ("\n-- x\ndrop table fluents.calls", ":3: a model or check is one SELECT"),
    "two_statements": ("select 1; drop table fluents.calls", ":1: a model .* is one SELECT"),
    "delete_in_with": (
        "with x as (delete from fluents.calls returning *) select * from x",
        ":1: (Binder|Parser) Error",
    ),
    "copy": ("copy fluents.calls to 'calls.csv'", ":1: a model or check is one SELECT"),
    "attach": ("attach 'x.duckdb'", ":1: a model or check is one SELECT"),
    "empty": ("-- Nothing.\n", ":1: a model or check is one SELECT"),
    "file_that_is_not_there": ("from '/nowhere/x.parquet'", ":1: IO Error: No files found"),
    "table": ("-- X.\n-- materialized: table\nselect 1", ":1: `wrong` cannot be a table"),
}


@pytest.mark.parametrize(("sql", "error"), WRONG.values(), ids=WRONG)
def test_one_that_is_wrong_is_named_with_its_line_and_the_others_are_made(
    build: Callable[..., list[str]],
    filled: duckdb.DuckDBPyConnection,
    sql: str,
    error: str,
) -> None:
    assert build(right="select 1 as one", wrong="select 1 as was_right") == []
    calls = filled.execute("select count(*) from fluents.calls").fetchall()

    (found,) = build(wrong=sql)

    assert re.match(rf"wrong\.sql{error}", found), found
    assert "\n" not in found
    assert names(filled) == {"right"}
    assert filled.execute("select count(*) from fluents.calls").fetchall() == calls


def test_those_that_select_from_each_other_are_all_named_with_the_lines_where(
    build: Callable[..., list[str]], filled: duckdb.DuckDBPyConnection
) -> None:
    errors = build(
        a="select *\nfrom analytics.b",
        b="select *\n\nfrom analytics.c",
        c="from analytics.a",
        behind="from analytics.a",
        beside="select 1 as one",
    )
    lines = [error.split(": ")[0] for error in errors]
    assert lines == ["a.sql:2", "b.sql:3", "behind.sql:1", "c.sql:1"]
    assert "select from each other" in errors[0]
    assert "a does not exist" in errors[2]
    assert names(filled) == {"beside"}


@pytest.mark.parametrize("name", ["call_summary", "stale_calls", "calls_not_computed"])
def test_a_name_of_ours_is_taken(
    build: Callable[..., list[str]], filled: duckdb.DuckDBPyConnection, name: str
) -> None:
    before = filled.execute(f"select count(*) from analytics.{name}").fetchall()
    (error,) = build(**{name: "select 1"})
    assert error.startswith(f"{name}.sql:1: `{name}` is the name of a model of fluents-warehouse")
    assert filled.execute(f"select count(*) from analytics.{name}").fetchall() == before


@pytest.mark.parametrize("name", ["Weekly", "per-week", "2026", 'x" as select 1; --'])
def test_a_files_name_must_do_for_a_model(build: Callable[..., list[str]], name: str) -> None:
    (error,) = build(**{name: "select 1"})
    assert "cannot be a model's name" in error


def test_what_cannot_be_read_is_named_and_what_editors_leave_is_not(
    build: Callable[..., list[str]], folder: Path, filled: duckdb.DuckDBPyConnection
) -> None:
    (folder / "folder.sql").mkdir()
    (folder / "latin.sql").write_bytes("select 1;\n\n-- Größe".encode("latin-1"))
    (folder / ".#right.sql").symlink_to("nowhere")
    (folder / "notes.txt").write_text("x")
    errors = build(right="select 1 as one")
    assert [error.split(": ")[0] for error in errors] == ["folder.sql:1", "latin.sql:3"]
    assert names(filled) == {"right"}


@pytest.mark.parametrize("is_file", [False, True], ids=["missing", "a_file"])
def test_a_folder_that_is_none_is_an_error_of_the_models_only(
    filled: duckdb.DuckDBPyConnection, tmp_path: Path, is_file: bool
) -> None:
    path = tmp_path / "none"
    if is_file:
        path.write_text("")
    (error,) = custom.build(filled, custom.read(path), BUILT_IN)
    assert error.startswith(f"{path}: models_dir cannot be read")


def test_their_checks_are_run_and_those_that_are_wrong_are_named(
    filled: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    checks = folder / "checks"
    checks.mkdir()
    write(
        checks,
        a__holds="select 1 where false",
        b__is_broken="select * from range(3)",
        c__is_wrong="select\nnope",
        d__is_none="drop table fluents.calls",
    )
    results, errors = custom.run_custom_checks(filled, folder)
    assert [(one.check, one.offending_rows) for one in results] == [
        ("a__holds", 0),
        ("b__is_broken", 3),
    ]
    assert [error.partition(": ")[0] for error in errors] == [
        f"{checks}/c__is_wrong.sql:2",
        f"{checks}/d__is_none.sql:1",
    ]
    assert custom.run_custom_checks(filled, None) == ([], [])


def test_a_load_notices_new_changed_and_removed_files_by_itself(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, folder: Path, query: Query
) -> None:
    append_all(buffer, [body("event_error", "x", call_id="one")], clock)
    shown = "select view_name from duckdb_views() where view_name in ('mine', 'other')"
    with Loader(settings) as loader:
        write(folder, mine="select 1 as n")
        assert loader.load().published
        assert nothing_to_load(settings, buffer)
        assert not loader.load().published

        write(folder, mine="select 2 as n from analytics.call_summary")
        assert not nothing_to_load(settings, buffer)
        assert loader.load().published
        assert query("select n from analytics.mine") == [(2,)]

        (folder / "mine.sql").rename(folder / "other.sql")
        assert loader.load().published
        assert query(shown) == [("other",)]
        assert not loader.load().published

    with Loader(settings.model_copy(update={"models_dir": None})) as loader:
        assert loader.load().published
        assert query(shown) == []


def test_an_error_is_logged_once_and_reported_and_everything_else_is_loaded(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, folder: Path, query: Query
) -> None:
    def load_one_more() -> list[str]:
        append_all(buffer, [body("event_error", str(clock()), call_id="one")], clock)
        with capture_logs() as logs:
            assert loader.load().published
        report = loader_state(settings).report()
        assert report is not None
        assert report.succeeded
        assert query("select error_call_count from analytics.calls_daily") == [(1,)]
        failed = [log["error"] for log in logs if log["event"] == "model_failed"]
        assert failed in ([], report.model_errors)
        return [*failed, len(report.model_errors)]

    with Loader(settings) as loader:
        write(folder, wrong=f"from '{folder}/later.csv'", right="select 1 as one")
        (error, count) = load_one_more()
        assert (error.split(": ")[0], count) == (f"{folder}/wrong.sql:1", 1)
        assert load_one_more() == [1]
        assert query("select one from analytics.right") == [(1,)]

        (folder / "later.csv").write_text("a\n7\n")
        assert load_one_more() == [0]
        assert query("select a from analytics.wrong") == [(7,)]


def test_ours_are_not_made_again_when_theirs_change(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, folder: Path, query: Query
) -> None:
    append_all(buffer, [body("event_error", "x", call_id="one")], clock)
    made = "select table_oid from duckdb_tables() where table_name = 'call_summary'"
    with Loader(settings) as loader:
        loader.load()
        before = query(made)
        write(folder, mine="select 1 as n")
        assert loader.load().published
        assert query(made) == before
