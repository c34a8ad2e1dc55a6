"""A model that is a table says at all times what its SQL says of all that is loaded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from structlog.testing import capture_logs

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.loader_state import ReplayRequest, loader_state
from fluents_connector.settings import Settings
from fluents_connector.simulator import simulate
from fluents_pipelines import memory
from fluents_pipelines.load import Loader, LoadResult
from fluents_pipelines.models import built_in
from fluents_pipelines.models import incremental as refreshing
from fluents_pipelines.models.incremental import follow, mark_all_stale, mark_stale, refresh
from fluents_pipelines.models.scope import STALE, Scope
from fluents_pipelines.sql_files import SqlFile
from fluents_pipelines.transactions import transaction
from fluents_pipelines.warehouse.duckdb_file.warehouse import DuckDbWarehouse
from tests.deliveries import Clock, append_all, body
from tests.pipelines.conftest import Query
from tests.pipelines.models.test_model_cases import create_tables

Load = Callable[[], LoadResult]
TABLES = [model for model in built_in.models() if model.is_table]
BODIES = [one.body for one in islice(simulate(seed=11), 900)]


def differences(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """The rows in which each table and its SQL differ, and the calls that are still stale."""
    found = {}
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        for model in TABLES:
            table = f"(select * from analytics.{model.name})"
            for one, other in ((table, f"({model.whole_sql})"), (f"({model.whole_sql})", table)):
                rows = connection.execute(f"from {one} except all from {other}").fetchall()
                found[model.name] = found.get(model.name, []) + rows
        found["stale_calls"] = connection.execute("from analytics.stale_calls").fetchall()
    return {name: rows for name, rows in found.items() if rows}


def loads(settings: Settings, buffer: SqliteBuffer, clock: Clock) -> Iterator[None]:
    """Loads the bodies in parts, so that most calls come in two of them."""
    with Loader(settings) as loader:
        for start in range(0, len(BODIES), 150):
            append_all(buffer, BODIES[start : start + 150], clock)
            loader.load()
            yield


@pytest.mark.attack
def test_there_are_models_that_are_tables() -> None:
    assert {model.name for model in TABLES} >= {"call_summary", "conversation_statistics"}


@pytest.mark.attack
def test_after_each_load_the_tables_say_what_their_sql_says(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, query: Query
) -> None:
    for _ in loads(settings, buffer, clock):
        assert differences(settings) == {}
    for model in TABLES:
        ((count,),) = query(f"select count(*) from analytics.{model.name}")
        assert count > (2 if model.name == "transfers" else 20), model.name


def test_a_call_whose_events_came_in_the_wrong_order_is_whole(
    settings: Settings, buffer: SqliteBuffer, load: Load
) -> None:
    append_all(buffer, BODIES[:300], Clock(2_000_000_000_000_000))
    load()
    append_all(buffer, BODIES[300:], Clock(1_500_000_000_000_000))
    load()
    assert differences(settings) == {}


@pytest.mark.attack
def test_an_interrupted_load_leaves_no_call_stale_for_good(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, load: Load
) -> None:
    append_all(buffer, BODIES[:500], clock)
    load()
    append_all(buffer, BODIES[500:], clock)

    def interrupt(done: int, total: int) -> None:
        if done == total:
            raise KeyboardInterrupt  # everything is loaded, and nothing made again

    with Loader(settings) as loader, pytest.raises(KeyboardInterrupt):
        loader.load(interrupt)
    assert load().published
    assert differences(settings) == {}


@pytest.mark.attack
def test_a_replay_makes_the_rows_of_its_calls_again(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, load: Load
) -> None:
    append_all(buffer, BODIES[:500], clock)
    load()
    with DuckDbWarehouse(settings) as warehouse:
        warehouse.connection.execute(
            "delete from fluents.transcript_turns where turn_index = 1;"
            "update fluents.calls set direction = NULL"
        )
        mark_all_stale(warehouse.connection)
        refresh(warehouse.connection, built_in.models())
    loader_state(settings).ask(ReplayRequest("again"))
    load()
    assert differences(settings) == {}
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        assert connection.execute(
            "select count(direction) > 0 from analytics.call_summary"
        ).fetchone() == (True,)


def test_rows_of_another_time_are_looked_for_once_a_call_was_marked_without_its_times(
    settings: Settings, buffer: SqliteBuffer, clock: Clock
) -> None:
    error = body("event_error", "e", call_id="one")
    append_all(buffer, [error], clock)
    there = "select count(*) from analytics.call_summary where call_id = 'one'"
    with Loader(settings) as loader:
        loader.load()
        connection = loader._warehouse.connection
        # as after a replay that no longer finds the call's first event
        connection.execute("update analytics.call_summary set first_event_at = '2020-01-01'")
        append_all(buffer, [body("event_error", "e", call_id="one", n=1)], clock)
        loader.load()
        assert connection.execute(there).fetchall() == [(2,)]  # what is older is not looked at

        mark_stale(connection, pa.table({"call_id": ["one"]}))
        append_all(buffer, [body("event_error", "e", call_id="one", n=2)], clock)
        loader.load()
        assert connection.execute(there).fetchall() == [(1,)]
    assert differences(settings) == {}


@pytest.mark.attack
def test_calls_that_are_followed_or_marked_in_parts_leave_no_row_and_no_mark_behind(
    settings: Settings, buffer: SqliteBuffer, clock: Clock
) -> None:
    append_all(buffer, BODIES[:300], clock)
    with Loader(settings) as loader:
        loader.load()
        connection = loader._warehouse.connection
        calls = connection.sql(
            "select call_id, first_event_at, last_event_at from fluents.calls"
        ).to_arrow_table()
        for marked in (calls, calls.slice(3, 9), calls):
            mark_stale(connection, marked)
            with transaction(connection):
                follow(connection, TABLES, marked, calls_at_once=7)
            refresh(connection, TABLES, calls_at_once=7)
            mark_stale(connection, marked)
        refresh(connection, TABLES, calls_at_once=7)
        assert connection.execute(f"from {STALE}").fetchall() == []
        append_all(buffer, BODIES[300:330], clock)
        loader.load()
    assert differences(settings) == {}


def test_a_custom_model_finds_nothing_of_what_a_refresh_works_in(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, tmp_path: Path
) -> None:
    settings = settings.model_copy(update={"models_dir": tmp_path / "own"})
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "short.sql").write_text("select count(*) as n from calls")
    append_all(buffer, BODIES[:20], clock)
    with Loader(settings) as loader:
        loader.load()
    report = loader_state(settings).report()
    assert report is not None
    (error,) = report.model_errors
    assert "Table with name calls does not exist" in error


@pytest.mark.attack
def test_models_that_fail_with_a_batch_are_made_after_it_and_before_readers_see_it(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_all(buffer, BODIES[:150], clock)
    real = Scope.take

    def refuse(scope: Scope, calls: pa.Table) -> None:
        real(scope, calls)
        raise duckdb.OutOfMemoryException("failed to pin block")

    with Loader(settings) as loader:
        loader.load()
        for bodies in (BODIES[150:300], BODIES[300:301]):
            append_all(buffer, bodies, clock)
            with monkeypatch.context() as patched, capture_logs() as logs:
                patched.setattr(Scope, "take", refuse)
                assert loader.load().published
            assert [entry["event"] for entry in logs] == ["models_made_later"]
            assert differences(settings) == {}
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        assert connection.execute("select count(*) from fluents.loads").fetchall() == [(3,)]


@pytest.mark.attack
def test_many_calls_are_made_again_some_at_a_time(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, load: Load
) -> None:
    append_all(buffer, BODIES[:500], clock)
    load()
    with DuckDbWarehouse(settings) as warehouse:
        mark_all_stale(warehouse.connection)
        mark_all_stale(warehouse.connection)  # a call may be noted twice
        warehouse.connection.execute("delete from analytics.call_summary")
        refresh(warehouse.connection, built_in.models(), calls_at_once=7)
    settings.warehouse_path.unlink()
    load()
    assert differences(settings) == {}


@pytest.mark.attack
def test_a_warehouse_whose_models_were_views_gets_tables(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, load: Load
) -> None:
    append_all(buffer, BODIES[:500], clock)
    load()
    with DuckDbWarehouse(settings) as warehouse:
        connection = warehouse.connection
        connection.execute("drop table analytics.call_summary; drop table analytics.stale_calls")
        connection.execute("create view analytics.call_summary as select 1 as call_id")
        built_in.build(connection, built_in.models())
    append_all(buffer, [body("event_error", "one more")], clock)
    load()
    assert differences(settings) == {}


@pytest.mark.attack
def test_a_call_that_cannot_be_computed_has_its_row_and_is_counted_and_named(
    settings: Settings,
    buffer: SqliteBuffer,
    clock: Clock,
    load: Load,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "FOR_ONE", "64MB")
    calls = ["one", "large", "two"]
    append_all(buffer, [body("event_error", "e", call_id=call) for call in calls], clock)
    load()
    summary = next(model for model in TABLES if model.name == "call_summary")
    dear = replace(  # a list of 400 MB, for one of the calls
        summary,
        sql=f"select one.* replace (event_count + numbers.n - numbers.n as event_count)"
        f" from ({summary.sql}) as one, lateral (select len(list(i)) as n"
        " from range(if(one.call_id = 'large', 50_000_000, 1)) as t(i)) as numbers",
    )
    with DuckDbWarehouse(settings) as warehouse:
        connection = warehouse.connection
        connection.execute("set memory_limit = '64MB'")
        connection.execute("set max_temp_directory_size = '0MB'")
        mark_all_stale(connection)
        with capture_logs() as logs:
            refresh(connection, [dear if model is summary else model for model in TABLES])
        assert connection.execute(
            "select call_id, webhook, event_count from analytics.call_summary order by event_count"
        ).fetchall() == [("one", "main", 1), ("two", "main", 1), ("large", "main", None)]
        assert connection.execute(
            "select affected_count, examined_count from analytics.data_quality"
            " where issue = 'calls_not_computed'"
        ).fetchall() == [(1, 3)]
        assert [result for result in built_in.run_checks(connection) if result.offending_rows] == []
    assert [entry for entry in logs if entry["event"] == "call_not_computed"] == [
        {
            "event": "call_not_computed",
            "log_level": "error",
            "call_id": "large",
            "model": "call_summary",
        }
    ]


@pytest.mark.attack
def test_a_call_is_counted_whichever_model_cannot_be_computed_until_it_can(
    settings: Settings,
    buffer: SqliteBuffer,
    clock: Clock,
    load: Load,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = ["one", "large", "two"]
    append_all(buffer, [body("event_error", "e", call_id=call) for call in calls], clock)
    load()
    real = Scope.compute

    def refuse(scope: Scope, model: SqlFile) -> None:
        is_large = connection.execute(
            "select 1 from temp.calls_now where call_id = 'large'"
        ).fetchall()
        if is_large and model.name == "post_call_fields":
            raise duckdb.OutOfMemoryException("failed to pin block")
        real(scope, model)

    counted = "select affected_count from analytics.data_quality where issue = 'calls_not_computed'"
    with DuckDbWarehouse(settings) as warehouse:
        connection = warehouse.connection
        for is_refused, named in ((True, [("large", "post_call_fields")]), (False, [])):
            mark_all_stale(connection)
            with monkeypatch.context() as patched:
                if is_refused:
                    patched.setattr(Scope, "compute", refuse)
                refresh(connection, TABLES)
            assert (
                connection.execute(
                    "select call_id, model from analytics.calls_not_computed"
                ).fetchall()
                == named
            )
            assert connection.execute(counted).fetchall() == [(len(named),)]


@pytest.mark.attack
def test_the_fields_of_large_results_fit_into_little_memory(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, load: Load, query: Query
) -> None:
    """They did not: each field carried its whole result along."""
    large = {f"field_{n:05}": "v" * 80 for n in range(10_000)}
    done = "event_post_call_processing_completed"
    append_all(buffer, [body(done, {"result": large, "n": n}) for n in range(2)], clock)
    with capture_logs() as logs:
        load()
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == []
    assert query("select count(*), count(distinct path) from analytics.post_call_fields") == [
        (20_000, 10_000)
    ]
    assert query("select post_call_result_count from analytics.call_summary") == [(2,)]


# json_tree of DuckDB 1.5 quotes no name, so there it can be compared for plain ones only
PLAIN = st.from_regex(r"[A-Za-z][A-Za-z0-9_]*", fullmatch=True)
NAMES = PLAIN if duckdb.__version__.startswith("1.") else st.text()


@pytest.mark.attack
@profile(deadline=None, max_examples=100)
@given(
    result=st.recursive(
        st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(-1e9, 1e9) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
        max_leaves=20,
    )
)
def test_paths_and_values_of_fields_are_those_of_json_tree(result: object) -> None:
    fields = next(model for model in TABLES if model.name == "post_call_fields")
    with duckdb.connect() as connection:
        connection.execute(
            "create schema fluents; create table fluents.post_call_results as"
            " select 'e' as event_id, 'c' as call_id, now() as received_at, ?::json as result_json",
            [json.dumps(result)],
        )
        connection.execute(
            "create schema analytics; create table analytics.call_summary as"
            " select 'c' as call_id, null::text as agent"
        )
        found = connection.execute(f"select item_path, text from ({fields.sql}) order by all")
        rows = found.fetchall()
        tree = connection.execute(
            "select fullkey, atom ->> '$' from fluents.post_call_results,"
            " json_tree(result_json) as tree where tree.type not in ('OBJECT', 'ARRAY')"
            " order by all"
        )
        assert rows == tree.fetchall()


@contextmanager
def with_calls(*call_ids: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse that knows these calls, and has a table for the model `marked`."""
    with duckdb.connect() as connection:
        connection.execute("create schema analytics; create table analytics.marked (call_id text)")
        create_tables(connection)
        refreshing.prepare(connection)
        calls = [[call_id] for call_id in call_ids]
        connection.executemany("insert into fluents.calls (call_id) values (?)", calls)
        yield connection


def test_a_model_of_steps_gets_their_rows_and_leaves_none_of_them_behind() -> None:
    with with_calls("one", "other") as connection:
        marked = model_of_steps("select call_id from steps.second")
        connection.execute("insert into analytics.stale_calls values ('one')")
        refresh(connection, [marked])
        assert connection.execute("from analytics.marked").fetchall() == [("one",)]
        for step in ("first", "second", "third"):
            assert connection.execute(f"from temp.{step}").fetchall() == []
        assert connection.execute(f"from ({marked.whole_sql}) order by all").fetchall() == [
            ("one",),
            ("other",),
        ]


def test_a_file_is_not_run_where_what_it_needs_has_no_rows() -> None:
    with with_calls("one") as connection:
        for needs, expected in (("steps.second", [("x",)]), ("steps.third", [])):
            marked = model_of_steps("select 'x' as call_id", needs=needs)
            connection.execute("insert into analytics.stale_calls values ('one')")
            refresh(connection, [marked])
            assert connection.execute("from analytics.marked").fetchall() == expected, needs
            connection.execute("truncate analytics.marked")


def model_of_steps(sql: str, **header: str) -> SqlFile:
    """A model `marked`: the second of its steps has a row a call, and the third has none."""

    def file(name: str, sql: str, **header: str) -> SqlFile:
        return SqlFile(name, Path(f"{name}.sql"), sql, "", header)

    steps = (
        file("first", "select call_id from fluents.calls"),
        file("second", "select first.call_id from steps.first", needs="steps.first"),
        file("third", "select call_id from steps.second", needs="fluents.errors"),
    )
    marked = file("marked", sql, materialized="table", key="call_id", **header)
    return replace(marked, steps=steps)
