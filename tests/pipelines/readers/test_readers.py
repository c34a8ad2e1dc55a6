"""Readers never block a load, and no load blocks or disturbs a reader."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import Settings
from fluents_pipelines.load import Loader
from tests.deliveries import Clock, append_all, body
from tests.pipelines.concurrent_readers import (
    CALLS,
    SNAPSHOT,
    duckdb_process,
    expected,
    kernel,
    restless_process,
    sqlalchemy_process,
)
from tests.pipelines.conftest import Query

pytestmark = pytest.mark.attack

LOADS = 40
OPEN_AT = 2  # the load after which the readers open, and until the end keep, the warehouse
INSERT = (
    "insert into fluents.calls"
    " select * replace (uuid()::varchar as call_id) from fluents.calls limit 1"
)
SLACK_BYTES = 2 * 1024**2


def append(buffer: SqliteBuffer, clock: Clock, load: int) -> None:
    call_ids = [f"call-{load}-{nth}" for nth in range(CALLS)]
    for type_ in ("event_error", "event_message"):
        append_all(buffer, [body(type_, "text", call_id=call_id) for call_id in call_ids], clock)


def used_bytes(folder: Path) -> int:
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*") if not path.is_dir())


def published_files(settings: Settings) -> list[Path]:
    """All that publishing and readers have put beside the loader's own folder."""
    parent = settings.warehouse_path.parent
    return sorted(
        path
        for path in parent.rglob("*")
        if not path.is_relative_to(settings.data_dir) and not path.is_dir()
    )


@pytest.mark.timeout(600)
def test_readers_hold_the_warehouse_open_through_40_loads(
    buffer: SqliteBuffer, clock: Clock, settings: Settings, query: Query
) -> None:
    path = settings.warehouse_path
    with ExitStack() as stack:
        loader = stack.enter_context(Loader(settings))
        careless = stack.enter_context(duckdb_process(path, "read-write"))
        restless = stack.enter_context(restless_process(path))
        readers = {
            "kernel": stack.enter_context(kernel(path)),
            "sqlalchemy": stack.enter_context(sqlalchemy_process(path)),
            "duckdb": stack.enter_context(duckdb_process(path)),
        }
        for load in range(1, LOADS + 1):
            append(buffer, clock, load)
            assert loader.load().published
            if load == 1:
                assert not careless("open")
                continue
            if load == OPEN_AT:
                assert not restless("open")
                for reader in readers.values():
                    assert not reader("open")
            # He had read only until the next load: so each write is beside a newer snapshot.
            mine = load - OPEN_AT + 1
            assert careless(INSERT) == [(1,)]
            if load % 3 == 0:
                assert careless("checkpoint") == []
            assert careless("select count(*) from fluents.calls") == [(CALLS + mine,)]
            assert query(SNAPSHOT) == expected(load)
            if load % 10 == 0:
                held = {name: reader(SNAPSHOT) for name, reader in readers.items()}
                assert held == dict.fromkeys(readers, expected(OPEN_AT))
            # the loader's file, three snapshots of it as readers have some open, and logs
            source = (settings.data_dir / "warehouse.duckdb").stat().st_size
            assert used_bytes(path.parent / f".{path.name}.snapshots") < 3 * source + SLACK_BYTES
            assert len(published_files(settings)) <= 6  # link, record, three snapshots, one log
        assert careless("close") is None
        seen = restless("seen")
    assert len(seen) > LOADS / 10
    assert all(rows in [expected(load) for load in range(OPEN_AT, LOADS + 1)] for rows in seen)
    assert all(earlier <= later for earlier, later in pairwise(seen))
    assert query(SNAPSHOT) == expected(LOADS)


def test_a_process_that_opens_it_again_sees_the_new_also_while_it_holds_the_old(
    buffer: SqliteBuffer, clock: Clock, settings: Settings
) -> None:
    path = str(settings.warehouse_path)
    with Loader(settings) as loader:
        append(buffer, clock, 1)
        loader.load()
        with duckdb.connect(path, read_only=True) as old:
            append(buffer, clock, 2)
            loader.load()
            with duckdb.connect(path, read_only=True) as new:
                assert new.execute(SNAPSHOT).fetchall() == expected(2)
                assert new.execute("select current_catalog()").fetchall() == [("published",)]
            assert old.execute(SNAPSHOT).fetchall() == expected(1)
    # and a query that names the warehouse goes on with the next snapshot
    with duckdb.connect(path, read_only=True) as reader:
        assert reader.execute("select count(*) from published.fluents.calls").fetchall() == [
            (2 * CALLS,)
        ]


@pytest.mark.parametrize("end", ["killed", "checkpointed", "closed"])
@pytest.mark.parametrize("first_writes", ["before the load", "after the load"])
def test_whoever_writes_into_the_published_file_harms_no_later_reader(
    buffer: SqliteBuffer,
    clock: Clock,
    settings: Settings,
    query: Query,
    first_writes: str,
    end: str,
) -> None:
    with (
        Loader(settings) as loader,
        duckdb_process(settings.warehouse_path, "read-write") as careless,
    ):
        append(buffer, clock, 1)
        loader.load()
        assert careless("open") is None
        if first_writes == "before the load":
            assert careless(INSERT) == [(1,)]
        append(buffer, clock, 2)
        loader.load()
        assert careless(INSERT) == [(1,)]
        assert query(SNAPSHOT) == expected(2)
        if end == "killed":
            careless.kill()
        else:
            assert not careless("checkpoint" if end == "checkpointed" else "close")
        assert query(SNAPSHOT) == expected(2)
        append(buffer, clock, 3)
        loader.load()
        if end == "checkpointed":
            assert careless(INSERT) == [(1,)]
        assert query(SNAPSHOT) == expected(3)
        append(buffer, clock, 4)
        loader.load()
    assert query(SNAPSHOT) == expected(4)
    assert all(path.suffix != ".wal" for path in published_files(settings))
