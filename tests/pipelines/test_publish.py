from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from connector.buffer import SqliteBuffer
from connector.settings import Settings
from pipelines.load import Loader, LoadResult
from tests.deliveries import Clock, append_all, body
from tests.pipelines.conftest import Query

Load = Callable[[], LoadResult]
COUNT = "select count(*) from fluents.errors"


def test_a_reader_keeps_its_rows_and_the_next_one_sees_the_new(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings, query: Query
) -> None:
    append_all(buffer, [body("event_error", "one")], clock)
    load()
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as reader:
        append_all(buffer, [body("event_error", "two")], clock)
        load()
        assert reader.execute(COUNT).fetchall() == [(1,)]
    assert query(COUNT) == [(2,)]


def test_readers_in_other_processes_do_not_stop_a_load(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings, query: Query
) -> None:
    append_all(buffer, [body("event_error", "one")], clock)
    load()
    script = (
        "import duckdb, sys\n"
        "connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'read-only')\n"
        "print('open', flush=True); sys.stdin.readline()\n"
        f"print(connection.execute({COUNT!r}).fetchall())"
    )
    for mode in ("read-only", "read-write"):
        with subprocess.Popen(
            [sys.executable, "-c", script, str(settings.warehouse_path), mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "open\n"
            held = query(COUNT)[0][0] if mode == "read-only" else 2
            append_all(buffer, [body("event_error", mode)], clock)
            load()
            output, _ = reader.communicate("go on\n", timeout=60)
            assert output.strip() == f"[({held},)]"
        assert query(COUNT) == [(held + 1,)]


def test_the_log_of_a_careless_writer_harms_nobody(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings, query: Query
) -> None:
    append_all(buffer, [body("event_error", "one")], clock)
    load()
    log = settings.warehouse_path.with_name(f"{settings.warehouse_path.name}.wal")
    log.write_bytes(b"left by somebody who opened the file for writing")
    append_all(buffer, [body("event_error", "two")], clock)
    load()
    assert not log.exists()
    assert query(COUNT) == [(2,)]


def test_publishing_keeps_duckdbs_lock_on_the_loaders_file(
    buffer: SqliteBuffer, clock: Clock, settings: Settings
) -> None:
    append_all(buffer, [body("event_error", "one")], clock)
    with Loader(settings) as loader:
        loader.load()
        other = subprocess.run(
            [
                sys.executable,
                "-c",
                "import duckdb, sys; duckdb.connect(sys.argv[1])",
                str(settings.data_dir / "warehouse.duckdb"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    assert other.returncode != 0
    assert "lock" in other.stderr


def test_no_partial_copy_is_left(load: Load, settings: Settings) -> None:
    load()
    names = [path.name for path in settings.warehouse_path.parent.iterdir() if path.is_file()]
    assert names == ["published.duckdb"]


@pytest.mark.parametrize("name", ["other.duckdb", "with space.duckdb"])
def test_models_work_under_any_file_name(
    buffer: SqliteBuffer, clock: Clock, settings: Settings, tmp_path: Path, name: str
) -> None:
    append_all(buffer, [body("event_error", "one")], clock)
    target = tmp_path / "elsewhere" / name
    with Loader(settings.model_copy(update={"warehouse_path": target})) as loader:
        loader.load()
    with duckdb.connect(str(target), read_only=True) as reader:
        assert reader.execute("select count(*) from analytics.calls_daily").fetchall() == [(1,)]
