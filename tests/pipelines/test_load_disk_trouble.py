"""A loader on a disk that is full or fails: it says so, confirms nothing false, and goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from connector.buffer import Counts, SqliteBuffer
from connector.settings import Settings
from pipelines.load import LoadResult
from tests.connector.test_server import until
from tests.deliveries import Clock, append_all, body
from tests.disk import FULL, READ_ONLY, FaultyDisk
from tests.processes import environment, write_settings

Load = Callable[[], LoadResult]
Command = Callable[..., subprocess.CompletedProcess[str]]
EACH = 100
SQL = "select count(*), count(distinct message) from fluents.errors"


@pytest.fixture
def settings(tmp_path: Path, settings: Settings) -> Settings:
    """Those that the commands read from the test's folder, too."""
    same = settings.model_dump(include={"buffer_keep_days"})
    write_settings(tmp_path, data_dir="data", warehouse_path="published.duckdb", **same)
    return settings


def counts(settings: Settings) -> Counts:
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        return buffer.counts()


def stage(settings: Settings, clock: Clock) -> None:
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        after = buffer.counts().received
        errors = [body("event_error", f"{after + n} " + "x" * 2_000) for n in range(EACH)]
        append_all(buffer, errors, clock)


def held(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        (events, different) = connection.execute(SQL).fetchall()[0]
    assert events == different
    return int(events)


@pytest.mark.parametrize(
    ("fault", "on"),
    [
        pytest.param(FULL, "", id="full"),
        pytest.param(READ_ONLY, "", id="read-only"),
        pytest.param(FULL, "buffer.sqlite-wal", id="no room to confirm"),
        pytest.param(FULL, ".partial", id="no room to publish"),
    ],
)
def test_a_load_that_fails_says_so_and_the_next_loads_all_of_it_once(
    command: Command,
    disk: FaultyDisk,
    clock: Clock,
    load: Load,
    settings: Settings,
    fault: str,
    on: str,
) -> None:
    warehouse, published = settings.data_dir / "warehouse.duckdb", settings.warehouse_path
    stage(settings, clock)
    load()
    before = published.read_bytes()
    stage(settings, clock)
    with disk.fails(fault, on=on):
        failed = command("load", env=disk.env)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("Error: "), failed.stderr
    assert published.read_bytes() == before
    assert counts(settings).confirmed_position <= held(warehouse)
    load()
    assert held(published) == held(warehouse) == 2 * EACH
    assert counts(settings).pending == 0


def test_a_loader_that_runs_on_loads_what_came_while_the_disk_was_full(
    settings: Settings, disk: FaultyDisk, clock: Clock, tmp_path: Path
) -> None:
    published, log = tmp_path / "published.duckdb", tmp_path / "load.log"
    with log.open("wb") as output:
        loader = subprocess.Popen(
            [sys.executable, "-m", "connector", "load", "--every", "200ms"],
            cwd=tmp_path,
            env=environment(**disk.env, FLUENTS_LOG_FORMAT="json"),
            stderr=output,
        )
    try:
        stage(settings, clock)
        until(lambda: published.exists() and held(published) == EACH)
        with disk.fails(FULL, on=".parquet"):
            stage(settings, clock)
            until(lambda: '"load_failed"' in log.read_text())
            assert held(published) == EACH
            assert counts(settings).confirmed_position == EACH
        until(lambda: held(published) == 2 * EACH)
        assert counts(settings).pending == 0
        assert loader.poll() is None
    finally:
        loader.terminate()
        assert loader.wait(60) == 0
