"""A loader's file that is lost: the published one takes its place, and no history is lost."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from structlog.testing import capture_logs

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.errors import LoadFailed, LoadRunning
from fluents_connector.locking import only_one
from fluents_connector.settings import Settings
from fluents_pipelines.load import Loader, LoadResult, discard_old, nothing_to_load
from fluents_pipelines.warehouse.duckdb_file.files import FILE, snapshots_of
from fluents_warehouse.commands.status import collect
from tests.deliveries import Clock, append_all, body
from tests.pipelines.conftest import Query
from tests.pipelines.contents import contents
from tests.processes import write_settings

Load = Callable[[], LoadResult]
SQL = "select message from fluents.errors order by message"


def stage(settings: Settings, clock: Clock, *messages: str) -> None:
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        append_all(buffer, [body("event_error", message) for message in messages], clock)


def discard(settings: Settings) -> None:
    """Has the buffer keep nothing of what is loaded."""
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        discard_old(settings.model_copy(update={"buffer_keep_days": 0}), buffer)


def is_idle(settings: Settings) -> bool:
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        return nothing_to_load(settings, buffer)


def lose_the_file(settings: Settings) -> None:
    (settings.data_dir / FILE).unlink()


def lose_data_dir(settings: Settings) -> None:
    """As a volume that is not mounted: the buffer is another one, and empty."""
    settings.data_dir.rename(settings.data_dir.with_name("unmounted"))


@pytest.mark.attack
@pytest.mark.parametrize("lose", [lose_the_file, lose_data_dir])
def test_what_readers_have_is_taken_back_and_grows_on(
    settings: Settings, clock: Clock, load: Load, query: Query, lose: Callable[[Settings], None]
) -> None:
    stage(settings, clock, "a", "b")
    load()
    discard(settings)
    lose(settings)
    with capture_logs() as logs:
        load()
    assert [log["event"] for log in logs] == ["warehouse_taken_back"]
    assert query(SQL) == [("a",), ("b",)]
    assert collect(settings)["warehouse"]["taken_back_at"] is not None
    for message in ("c", "d", "e"):  # so that every snapshot from before is deleted
        stage(settings, clock, message)
        assert load().deliveries == 1
    assert query(SQL) == [(letter,) for letter in "abcde"]
    assert is_idle(settings)


@pytest.mark.attack
def test_what_came_after_the_last_publish_is_loaded_again(
    settings: Settings, clock: Clock, load: Load, query: Query
) -> None:
    stage(settings, clock, "a")
    with Loader(settings.model_copy(update={"publish_share": 1e-9, "buffer_keep_days": 0})) as rare:
        rare.load()
        stage(settings, clock, "b")
        assert not rare.load().published
    lose_the_file(settings)
    assert load().deliveries == 1
    assert query(SQL) == [("a",), ("b",)]


@pytest.mark.attack
def test_the_newest_snapshot_is_taken_where_the_link_is_lost(
    settings: Settings, clock: Clock, load: Load, query: Query
) -> None:
    for message in ("a", "b"):
        stage(settings, clock, message)
        load()
    snapshots = snapshots_of(settings.warehouse_path).glob("*.duckdb.*")
    assert len(list(snapshots)) == 2
    discard(settings)
    lose_the_file(settings)
    settings.warehouse_path.unlink()
    load()
    assert query(SQL) == [("a",), ("b",)]


@pytest.mark.attack
def test_a_log_that_the_lost_file_left_is_set_aside(
    settings: Settings, clock: Clock, load: Load, query: Query
) -> None:
    stage(settings, clock, "a")
    load()
    lose_the_file(settings)
    log = settings.data_dir / f"{FILE}.wal"
    log.write_bytes(b"of a file that is gone")
    load()
    assert query(SQL) == [("a",)]
    assert log.with_name(f"{FILE}.wal.lost").read_bytes() == b"of a file that is gone"


@pytest.mark.attack
def test_a_reader_of_the_published_file_does_not_stop_it(
    settings: Settings, clock: Clock, load: Load, query: Query
) -> None:
    stage(settings, clock, "a")
    load()
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as reader:
        before = contents(settings.warehouse_path)
        lose_the_file(settings)
        load()
        assert reader.execute(SQL).fetchall() == [("a",)]
    assert contents(settings.warehouse_path) == before


def garbage(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)


def of_something_else(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table mine as select 1 as n")


@pytest.mark.attack
@pytest.mark.parametrize("loader_is_there", [False, True], ids=["lost", "there"])
@pytest.mark.parametrize("make", [garbage, of_something_else])
def test_a_published_file_that_tells_nothing_is_left_alone(
    settings: Settings,
    clock: Clock,
    load: Load,
    query: Query,
    make: Callable[[Path], None],
    loader_is_there: bool,
) -> None:
    stage(settings, clock, "a")
    if loader_is_there:
        load()
        stage(settings, clock, "b")
        settings.warehouse_path.unlink()
    make(settings.warehouse_path)
    before = settings.warehouse_path.read_bytes()
    with pytest.raises(LoadFailed, match=r"published\.duckdb.* away"):
        load()
    assert settings.warehouse_path.read_bytes() == before
    assert (settings.data_dir / FILE).exists() == loader_is_there
    assert not is_idle(settings)
    settings.warehouse_path.unlink()
    assert load().published
    assert query("select min(message) from fluents.errors") == [("a",)]


@pytest.mark.attack
def test_an_empty_database_at_the_path_is_nothing_to_take_back(
    settings: Settings, clock: Clock, load: Load, query: Query
) -> None:
    duckdb.connect(str(settings.warehouse_path)).close()  # who looked too early
    stage(settings, clock, "a")
    load()
    assert query(SQL) == [("a",)]


@pytest.mark.attack
def test_both_lost_is_said_with_how_much_is_gone(
    settings: Settings, clock: Clock, load: Load, query: Query
) -> None:
    stage(settings, clock, "a", "b", "c")
    load()
    discard(settings)
    stage(settings, clock, "d")
    lose_the_file(settings)
    settings.warehouse_path.unlink()
    shutil.rmtree(snapshots_of(settings.warehouse_path))
    with capture_logs() as logs:
        load()
    assert [(log["event"], log["deliveries"]) for log in logs] == [("history_lost", 3)]
    assert query(SQL) == [("d",)]


@pytest.mark.attack
def test_the_commands_say_that_it_was_taken_back(
    settings: Settings,
    clock: Clock,
    load: Load,
    command: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
) -> None:
    write_settings(tmp_path, data_dir="data", warehouse_path="published.duckdb")
    stage(settings, clock, "a")
    load()
    lose_the_file(settings)
    loaded = command("load")
    assert loaded.returncode == 0
    assert "warehouse_taken_back" in loaded.stderr
    assert (
        "The loader's file was lost, and the published one taken back" in command("status").stdout
    )


@pytest.mark.attack
def test_it_waits_for_room_on_the_disk_of_the_loader(
    settings: Settings, clock: Clock, load: Load, query: Query
) -> None:
    stage(settings, clock, "a")
    load()
    lose_the_file(settings)
    with pytest.raises(LoadFailed, match="disk_reserve_bytes would not be left free"):
        Loader(settings.model_copy(update={"disk_reserve_bytes": 2**60}))
    assert not (settings.data_dir / FILE).exists()
    load()
    assert query(SQL) == [("a",)]


@pytest.mark.attack
@pytest.mark.parametrize("lost", [FILE, "load.lock"])
def test_status_shows_a_load_that_could_not_open_its_files(
    settings: Settings, clock: Clock, load: Load, lost: str
) -> None:
    stage(settings, clock, "one")
    load()
    path = settings.data_dir / lost
    path.unlink()
    path.mkdir()
    with pytest.raises(LoadFailed) as raised:
        Loader(settings)
    last = collect(settings)["last_load"]
    assert (last["succeeded"], last["deliveries"]) == (False, 0)
    assert last["error"] == str(raised.value)
    path.rmdir()
    load()
    assert collect(settings)["last_load"]["succeeded"]


@pytest.mark.attack
def test_a_load_that_waits_for_another_leaves_the_report_of_that_one(
    settings: Settings, clock: Clock, load: Load
) -> None:
    stage(settings, clock, "one")
    load()
    with (
        only_one(settings.data_dir / "load.lock", LoadRunning("")),
        pytest.raises(LoadRunning),
    ):
        Loader(settings)
    assert collect(settings)["last_load"]["succeeded"]
