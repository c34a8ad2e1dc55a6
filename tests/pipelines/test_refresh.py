"""A model that is a table says at all times what its SQL says of all that is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import duckdb
import pytest

from connector.buffer import SqliteBuffer
from connector.replay_request import ReplayRequest, ask
from connector.settings import Settings
from connector.simulator import simulate
from pipelines import models
from pipelines.load import Loader, LoadResult
from pipelines.refresh import mark_all, refresh
from pipelines.warehouse import Warehouse
from tests.deliveries import Clock, append_all, body
from tests.pipelines.conftest import Query

Load = Callable[[], LoadResult]
TABLES = [model for model in models.models() if model.is_table]
BODIES = [one.body for one in islice(simulate(seed=11), 900)]


def differences(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """The rows in which each table and its SQL differ, and the calls that are still stale."""
    found = {}
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        for model in TABLES:
            table = f"(select * from analytics.{model.name})"
            for one, other in ((table, f"({model.sql})"), (f"({model.sql})", table)):
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


def test_there_are_models_that_are_tables() -> None:
    assert {model.name for model in TABLES} >= {"call_summary", "conversation_statistics"}


def test_after_each_load_the_tables_say_what_their_sql_says(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, query: Query
) -> None:
    for _ in loads(settings, buffer, clock):
        assert differences(settings) == {}
    for model in TABLES:
        assert query(f"select count(*) > 20 from analytics.{model.name}") == [(True,)], model.name


def test_a_call_whose_events_came_in_the_wrong_order_is_whole(
    settings: Settings, buffer: SqliteBuffer, load: Load
) -> None:
    append_all(buffer, BODIES[:300], Clock(2_000_000_000_000_000))
    load()
    append_all(buffer, BODIES[300:], Clock(1_500_000_000_000_000))
    load()
    assert differences(settings) == {}


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


def test_a_replay_makes_the_rows_of_its_calls_again(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, load: Load
) -> None:
    append_all(buffer, BODIES[:500], clock)
    load()
    with Warehouse(settings) as warehouse:
        warehouse.connection.execute(
            "delete from fluents.transcript_turns where turn_index = 1;"
            "update fluents.calls set direction = NULL"
        )
        mark_all(warehouse.connection)
        refresh(warehouse.connection, models.models())
    ask(settings.data_dir, ReplayRequest("again"))
    load()
    assert differences(settings) == {}
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        assert connection.execute(
            "select count(direction) > 0 from analytics.call_summary"
        ).fetchone() == (True,)


def test_many_calls_are_made_again_some_at_a_time(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, load: Load
) -> None:
    append_all(buffer, BODIES[:500], clock)
    load()
    with Warehouse(settings) as warehouse:
        mark_all(warehouse.connection)
        mark_all(warehouse.connection)  # a call may be noted twice
        warehouse.connection.execute("delete from analytics.call_summary")
        refresh(warehouse.connection, models.models(), calls_at_once=7)
    settings.warehouse_path.unlink()
    load()
    assert differences(settings) == {}


def test_a_warehouse_whose_models_were_views_gets_tables(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, load: Load
) -> None:
    append_all(buffer, BODIES[:500], clock)
    load()
    with Warehouse(settings) as warehouse:
        connection = warehouse.connection
        connection.execute("drop table analytics.call_summary; drop table analytics.stale_calls")
        connection.execute("create view analytics.call_summary as select 1 as call_id")
        models.build(connection, models.models())
    append_all(buffer, [body("event_error", "one more")], clock)
    load()
    assert differences(settings) == {}
