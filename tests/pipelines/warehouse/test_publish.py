from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.loader_state import loader_state
from fluents_connector.receiver.metrics import Metrics
from fluents_connector.settings import Settings
from fluents_pipelines.load import Loader, LoadResult
from fluents_pipelines.warehouse.duckdb_file.files import copy_file
from fluents_warehouse.commands.status import collect
from tests import needs
from tests.attacks.disk import FaultyDisk
from tests.deliveries import Clock, append_all, body
from tests.pipelines.conftest import Query
from tests.processes import write_settings

Load = Callable[[], LoadResult]
NO_LINKS = f"{errno.EPERM} o"
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


@pytest.mark.attack
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


def test_no_partial_copy_is_left(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings
) -> None:
    path = settings.warehouse_path
    snapshots = path.with_name(".published.duckdb.snapshots")
    load()
    before = path.readlink()
    for name in ("snapshot.partial", "published.duckdb.of-a-load-that-was-killed"):
        (snapshots / name).write_bytes(b"half of a warehouse")
    (snapshots / "link").symlink_to("published.duckdb.of-a-load-that-was-killed")
    append_all(buffer, [body("event_error", "one")], clock)
    load()
    assert [file.name for file in path.parent.iterdir() if file.is_file()] == ["published.duckdb"]
    # the one before is kept for whoever just followed the link, and to make the next from
    left = {file.name for file in snapshots.iterdir()}
    assert left == {before.name, path.readlink().name, "blocks.json"}


def test_a_file_or_a_lost_snapshot_at_the_path_is_replaced(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings, query: Query
) -> None:
    path = settings.warehouse_path
    append_all(buffer, [body("event_error", "one")], clock)
    load()
    path.replace(path.with_name("link"))
    shutil.copy(path.with_name("link"), path)  # as an older version, or a copy tool, leaves it
    append_all(buffer, [body("event_error", "two")], clock)
    load()
    assert path.is_symlink()
    assert query(COUNT) == [(2,)]
    path.resolve().unlink()
    assert load().published
    assert query(COUNT) == [(2,)]


@pytest.mark.attack
def test_where_there_are_no_links_the_file_itself_is_replaced(
    buffer: SqliteBuffer,
    clock: Clock,
    command: Callable[..., subprocess.CompletedProcess[str]],
    disk: FaultyDisk,
    settings: Settings,
    query: Query,
) -> None:
    path = settings.warehouse_path
    config = write_settings(path.parent, data_dir="data", warehouse_path=path.name)
    for loads in (1, 2, 3):
        append_all(buffer, [body("event_error", f"{loads}")], clock)
        path.with_name(f"{path.name}.wal").write_bytes(b"somebody's log")
        with disk.fails(NO_LINKS, on="/link"):
            loaded = command("load", "--config", str(config), env=disk.env)
        assert loaded.returncode == 0, loaded.stderr
        assert not path.is_symlink()
        snapshots = path.with_name(f".{path.name}.snapshots")
        assert [file.name for file in snapshots.iterdir()] == ["blocks.json"]
        assert query(COUNT) == [(loads,)]


@pytest.mark.parametrize("size", [0, 1, 5 * 1024**2 + 3])
@pytest.mark.parametrize("source", ["same file system", "another file system"])
def test_a_copy_has_all_bytes(tmp_path: Path, source: str, size: int) -> None:
    content = os.urandom(size)
    # the kernel copies between two files of one file system, and refuses between these two
    elsewhere = "/dev/shm" if source == "another file system" else tmp_path  # noqa: S108
    with (
        tempfile.NamedTemporaryFile(dir=elsewhere) as original,
        (tmp_path / "copy").open("wb") as copy,
    ):
        original.write(content)
        original.flush()
        copy_file(original, copy)
    assert (tmp_path / "copy").read_bytes() == content


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


@contextmanager
def shared_blocks(folder: Path) -> Iterator[Path]:
    """A file system at `folder` in which two files can have the same blocks."""
    needs.root()
    image = folder.with_suffix(".xfs")
    with image.open("wb") as file:
        file.truncate(512 * 1024**2)
    run(needs.program("mkfs.xfs"), "-q", "-m", "reflink=1", image)
    folder.mkdir()
    run("mount", "-o", "loop", image, folder)
    try:
        yield folder
    finally:
        run("umount", folder)


def test_where_blocks_can_be_shared_a_copy_takes_none(tmp_path: Path) -> None:
    content = os.urandom(50 * 1024**2)
    with shared_blocks(tmp_path / "shared") as folder:
        (folder / "source").write_bytes(content)
        os.sync()
        before = shutil.disk_usage(folder).used
        with (folder / "source").open("rb") as source, (folder / "copy").open("wb") as copy:
            copy_file(source, copy)
            os.fsync(copy.fileno())
        assert shutil.disk_usage(folder).used - before < len(content) / 10
        assert (folder / "copy").read_bytes() == content


@pytest.mark.attack
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


def test_duckdb_1_5_can_read_the_warehouse_whatever_wrote_it(
    buffer: SqliteBuffer, clock: Clock, load: Load, query: Query
) -> None:
    append_all(buffer, [body("event_error", "one")], clock)
    load()
    assert query(
        "select tags['storage_version'] from duckdb_databases()"
        " where database_name = current_database()"
    ) == [("v1.5.0+",)]


@pytest.mark.parametrize("method", ["auto", pytest.param("whole_copy", marks=pytest.mark.attack)])
def test_status_and_metrics_say_how_it_was_published(
    buffer: SqliteBuffer, clock: Clock, settings: Settings, method: str
) -> None:
    settings = settings.model_copy(update={"publish_method": method})
    with Loader(settings) as loader:
        for text in ("one", "two", "three"):
            append_all(buffer, [body("event_error", text)], clock)
            loader.load()
    published = collect(settings)["warehouse"]["last_publish"]
    size = settings.warehouse_path.stat().st_size
    if method == "auto" and sys.platform == "linux":
        assert published["method"] == "changed blocks"
        assert 0 < published["bytes_written"] < size
    else:
        assert (published["method"], published["bytes_written"]) == ("whole copy", size)
    page = Metrics(buffer, loader_state(settings)).page().decode()
    label = published["method"].replace(" ", "_")
    for name, value in (("bytes", published["bytes_written"]), ("seconds", published["seconds"])):
        metric = f'fluents_last_publish_{name}{{method="{label}"}} '
        assert float(page.partition(metric)[2].partition("\n")[0]) == value
