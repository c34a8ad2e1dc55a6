"""A loader on a disk that is full or fails: it says so, confirms nothing false, and goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from fluents_connector.buffer import Counts, SqliteBuffer
from fluents_connector.settings import Settings
from fluents_pipelines.load import LoadResult
from fluents_pipelines.warehouse.duckdb_file.files import FILE
from fluents_warehouse.commands.status import collect
from tests.attacks.disk import FULL, READ_ONLY, FaultyDisk, SmallDisk
from tests.connector.buffer.test_disk_trouble import Poster
from tests.connector.receiver.test_server import until
from tests.deliveries import Clock, append_all, body, whole
from tests.processes import Receiver, environment, write_settings

pytestmark = pytest.mark.attack

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
            [sys.executable, "-m", "fluents_warehouse", "load", "--every", "200ms"],
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


def test_a_disk_of_readers_keeps_its_reserve_and_is_published_to_once_it_has_room(
    settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    folder, log = tmp_path / "readers", tmp_path / "load.log"
    folder.mkdir()
    small, reserve = SmallDisk(folder, megabytes=64), 4 * 1024**2
    with log.open("wb") as output:
        loader = subprocess.Popen(
            [*small.within, sys.executable, "-m", "fluents_warehouse", "load", "--every", "200ms"],
            cwd=tmp_path,
            env=environment(
                FLUENTS_LOG_FORMAT="json",
                FLUENTS_WAREHOUSE_PATH="readers/published.duckdb",
                FLUENTS_DISK_RESERVE_BYTES=f"{reserve}",
            ),
            stderr=output,
        )
    try:
        published = small.seen_by(loader.pid) / "published.duckdb"

        def seen() -> int:
            # a copy, as DuckDB follows links, to where this process has no such disk
            return held(Path(shutil.copy(published, tmp_path / "copy.duckdb")))

        stage(settings, clock)
        until(lambda: published.exists() and seen() == EACH)
        left = (settings.data_dir / FILE).stat().st_size + reserve - 4096
        with small.full(loader.pid, leave=left // 4096 * 4096):
            stage(settings, clock)
            until(lambda: counts(settings).pending == 0 and "publish_waits" in log.read_text())
            assert seen() == EACH
            assert os.statvfs(published).f_bavail * 4096 > reserve
            stage(settings, clock)
            until(lambda: counts(settings).pending == 0)
            state = collect(settings)["warehouse"]
            assert "disk_reserve_bytes" in state["publish_waits"]
            assert log.read_text().count('"publish_waits"') == 1
        until(lambda: seen() == 3 * EACH)
        assert collect(settings)["warehouse"]["publish_waits"] is None
        assert "load_failed" not in log.read_text()
        assert loader.poll() is None
    finally:
        loader.terminate()
        assert loader.wait(60) == 0


def test_the_receiver_stores_on_while_the_loader_waits_for_space(tmp_path: Path) -> None:
    """Both on one disk of 64 MB, of which the loader leaves 56 MB to the receiver."""
    data = tmp_path / ".fluents"
    data.mkdir()
    small = SmallDisk(data, megabytes=64)
    reserve = 56 * 1024**2
    with Receiver(
        tmp_path, "run", within=small.within, env=small.env, disk_reserve_bytes=reserve
    ) as receiver:
        poster = Poster(receiver)
        assert poster.post(200) == {200}
        until(lambda: "waits for space" in receiver.log.read_text())
        assert poster.post(500) == {200}
        small.copy(receiver.process.pid, tmp_path / "copy")
    with closing(SqliteBuffer(tmp_path / "copy" / "buffer.sqlite")) as buffer:
        assert {row[1] for row in whole(buffer).rows} == set(poster.stored.values())
        assert buffer.counts().pending >= 500
