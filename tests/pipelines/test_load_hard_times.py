"""Loads where something is large, restored, killed or missing: nothing is lost or doubled."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.errors import BufferUnavailable, LoadFailed
from fluents_connector.settings import Settings
from fluents_pipelines.load import Loader, LoadResult, nothing_to_load
from tests.deliveries import Clock, append_all, body
from tests.pipelines.conftest import Query

pytestmark = pytest.mark.attack

Load = Callable[[], LoadResult]
DONE = "event_post_call_processing_completed"


def errors(first: int, last: int) -> list[bytes]:
    return [body("event_error", f"e{n}") for n in range(first, last + 1)]


@pytest.mark.parametrize(
    ("bodies", "table"),
    [
        pytest.param(
            [
                body("event_transcript", {"transcript": f"BOT: {n}" + "x" * 10**6})
                for n in range(20)
            ],
            "transcripts",
            id="long transcripts",
        ),
        pytest.param(
            [body(DONE, {"post_call_results": {"n": n, "x": "y" * 10**6}}) for n in range(20)],
            "post_call_results",
            id="long results",
        ),
        pytest.param(
            [
                body("event_transcript", {"transcript": f"BOT: {n}\nHUMAN: yes\n" * 200_000})
                for n in range(2)
            ],
            "transcripts",
            id="hundreds of thousands of turns",
        ),
        pytest.param(
            [body("event_error", f"e{n}", unknown="z" * 500_000) for n in range(40)],
            "errors",
            id="large unknown fields",
        ),
    ],
)
def test_bodies_of_any_size_load_within_the_memory_that_is_allowed(
    bodies: list[bytes], table: str, buffer: SqliteBuffer, clock: Clock, load: Load, query: Query
) -> None:
    append_all(buffer, bodies, clock)
    assert load().deliveries == len(bodies)
    assert query(f"select count(*) from fluents.{table}") == [(len(bodies),)]
    assert buffer.counts().pending == 0


@pytest.mark.parametrize("received_after", [2, 30], ids=["behind", "past the position"])
def test_a_buffer_restored_from_a_copy_loses_nothing_of_what_comes_after(
    received_after: int, clock: Clock, load: Load, settings: Settings, query: Query
) -> None:
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        append_all(buffer, errors(1, 10), clock)
    copy = settings.buffer_file.read_bytes()
    load()
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        append_all(buffer, errors(11, 20), clock)
    load()
    settings.buffer_file.write_bytes(copy)
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        append_all(buffer, errors(21, 20 + received_after), clock)
        former = buffer.buffer_id
        load()
        assert buffer.buffer_id != former
        assert buffer.counts().pending == 0
    total = 20 + received_after
    assert query("select count(*), count(distinct message) from fluents.errors") == [(total, total)]
    assert load().deliveries == 0


def test_a_copy_put_in_place_while_a_loader_runs_loses_nothing_of_what_comes_after(
    clock: Clock, load: Load, settings: Settings, query: Query
) -> None:
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        append_all(buffer, errors(1, 10), clock)
    copy = settings.buffer_file.with_name("copy")
    shutil.copy(settings.buffer_file, copy)
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        append_all(buffer, errors(11, 20), clock)
    with Loader(settings) as running:
        running.load()
        for log in ("-wal", "-shm"):
            settings.buffer_file.with_name(f"{settings.buffer_file.name}{log}").unlink()
        copy.replace(settings.buffer_file)
        with closing(SqliteBuffer(settings.buffer_file)) as buffer:
            append_all(buffer, errors(21, 35), clock)
        with pytest.raises(BufferUnavailable, match="another file was put in its place"):
            running.load()
    assert load().deliveries == 25
    assert query("select count(*), count(distinct message) from fluents.errors") == [(35, 35)]


def test_a_deleted_warehouse_is_not_taken_for_nothing_to_load(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings
) -> None:
    append_all(buffer, errors(1, 3), clock)
    load()
    assert nothing_to_load(settings, buffer)
    (settings.data_dir / "warehouse.duckdb").unlink()
    assert not nothing_to_load(settings, buffer)


def test_half_a_first_warehouse_is_made_again(load: Load, settings: Settings) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "warehouse.duckdb.partial").write_bytes(b"half")
    assert load().published
    assert not (settings.data_dir / "warehouse.duckdb.partial").exists()


def test_a_damaged_warehouse_is_reported_and_left_alone(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings, tmp_path: Path
) -> None:
    append_all(buffer, errors(1, 3), clock)
    load()
    warehouse = settings.data_dir / "warehouse.duckdb"
    damaged = b"damaged" * 10_000
    warehouse.write_bytes(damaged)
    with pytest.raises(LoadFailed, match="cannot be opened"):
        load()
    assert warehouse.read_bytes() == damaged
    shutil.copy(settings.warehouse_path, warehouse)  # the published file is a whole backup
    append_all(buffer, errors(4, 4), clock)
    assert load().deliveries == 1
