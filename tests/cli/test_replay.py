"""`replay` asks whoever has the warehouse open, and says what was set right."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.loader_state import ReplayRequest, loader_state
from fluents_connector.settings import Settings, load_settings
from tests.deliveries import Clock, append_all, body
from tests.processes import START_SECONDS, environment, run_command, write_settings

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a loaded warehouse of one error, whose message no known field has."""
    folder = tmp_path_factory.mktemp("loaded")
    settings = load_settings(write_settings(folder, buffer_keep_days=36500))
    buffer = SqliteBuffer(settings.buffer_file)
    append_all(buffer, [body("event_error", {"odd": "found"}), body("event_other", 1)], Clock())
    buffer.close()
    assert run_command(folder, "load").returncode == 0
    return folder


@pytest.fixture
def settings(loaded: Path, tmp_path: Path) -> Settings:
    """A copy of it, with settings that name the field where the message stands."""
    shutil.copytree(loaded, tmp_path, symlinks=True, dirs_exist_ok=True)
    with (tmp_path / "fluents.toml").open("a") as file:
        file.write('[fields]\nerror_message = ["odd"]\n')
    return load_settings(tmp_path / "fluents.toml")


def message(settings: Settings) -> object:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        return connection.execute("select message from fluents.errors").fetchone()


def test_a_replay_says_how_many_rows_it_set_right(command: Command, settings: Settings) -> None:
    assert message(settings) == (None,)
    result = command("replay", "--since", "2026-01-01", "--type", "event_error")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "Read 1 deliveries again, received since 2026-01-01 00:00:00+00:00. "
        "Rows added: 0, changed: 1, removed: 0.",
        "Published fluents_warehouse.duckdb.",
    ]
    assert message(settings) == ("found",)


@pytest.mark.attack
def test_a_loader_that_runs_does_the_replay(
    command: Command, settings: Settings, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "fluents_warehouse", "load", "--every", "100ms"],
        cwd=tmp_path,
        env=environment(),
    ) as loader:
        try:
            _wait_until_locked(settings)
            result = command("replay")
            assert (result.returncode, result.stderr) == (0, "")
            assert "Rows added: 0, changed: 1, removed: 0." in result.stdout
            assert message(settings) == ("found",)
            assert loader.poll() is None
        finally:
            loader.terminate()
    assert loader.returncode == 0


def _wait_until_locked(settings: Settings) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            duckdb.connect(str(settings.data_dir / "warehouse.duckdb"), read_only=True).close()
        except duckdb.IOException:
            return
        time.sleep(0.05)
    raise AssertionError("no loader opened the warehouse")


@pytest.mark.attack
def test_two_replays_at_once_are_refused(command: Command, settings: Settings) -> None:
    loader_state(settings).ask(ReplayRequest("first"))
    result = command("replay")
    assert result.returncode == 1
    assert "Another replay was asked for" in result.stderr
    assert command("load").returncode == 0
    assert message(settings) == ("found",)
    assert loader_state(settings).asked() is None
    assert "changed: 0" in command("replay").stdout


def test_nothing_that_fits_is_no_error(command: Command, settings: Settings) -> None:
    result = command("replay", "--since", "1h")
    assert (result.returncode, result.stdout.splitlines()[0]) == (
        0,
        "The buffer keeps no loaded delivery that fits.",
    )


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "-", "7w"])
def test_a_wrong_time_says_what_to_write(command: Command, tmp_path: Path, since: str) -> None:
    write_settings(tmp_path)
    result = command("replay", "--since", since)
    assert result.returncode == 2
    assert "2026-01-31" in result.stderr


def test_a_request_of_another_version_stands_in_nobodys_way(settings: Settings) -> None:
    (settings.data_dir / "replay.json").write_text('{"request_id": "x", "novel": 1}')
    assert loader_state(settings).asked() is None
    request = ReplayRequest("mine", since=1, types=("event_error",))
    loader_state(settings).ask(request)
    assert loader_state(settings).asked() == request


def test_without_a_buffer_there_is_nothing_to_replay(command: Command, tmp_path: Path) -> None:
    write_settings(tmp_path)
    result = command("replay")
    assert result.returncode == 1
    assert "nothing was received" in result.stderr
    assert not (tmp_path / ".fluents" / "replay.json").exists()
