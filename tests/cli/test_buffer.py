"""`buffer check` says what is wrong and what to do; doing it sets it right."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import Settings, load_settings
from fluents_connector.simulator import simulate
from tests.deliveries import Clock, append_all, body
from tests.processes import Receiver, write_settings

Command = Callable[..., subprocess.CompletedProcess[str]]
KEEP = {"buffer_keep_days": 36500, "quarantine_keep_days": 36500}
PAGE = 4096


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A buffer of 300 events that are loaded, and 100 that wait."""
    write_settings(tmp_path, **KEEP)
    return load_settings(tmp_path / "fluents.toml")


@pytest.fixture
def loaded(settings: Settings, command: Command) -> Settings:
    bodies = [one.body for one in islice(simulate(seed=4), 400)]
    buffer = SqliteBuffer(settings.buffer_file)
    clock = Clock()
    append_all(buffer, bodies[:300], clock)
    assert command("load").returncode == 0
    append_all(buffer, bodies[300:], clock)
    buffer.close()
    return settings


def damage(path: Path) -> None:
    with path.open("r+b") as file:
        for page in (40, 41, 42, 43, 44, 60, 61):
            file.seek(PAGE * page)
            file.write(b"\xaa" * PAGE)


def test_a_whole_buffer_is_said_to_be_whole(command: Command, loaded: Settings) -> None:
    result = command("buffer", "check")
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", subject]
        for subject in (
            "file",
            "bodies",
            "positions",
            "identity",
            "duplicates",
            "counters",
            "warehouse",
        )
    ]
    assert lines[-1].endswith("It holds all that is kept here up to position 300.")
    assert "100 deliveries that wait for a load are there" in lines[2]
    findings = [
        json.loads(line) for line in command("buffer", "check", "--json").stdout.splitlines()
    ]
    assert [finding["is_right"] for finding in findings] == [True] * 7
    untouched = command("buffer", "recover")
    assert (untouched.returncode, "is not damaged" in untouched.stdout) == (0, True)


@pytest.mark.attack
def test_before_the_first_load_there_is_no_warehouse_to_compare(
    command: Command, settings: Settings
) -> None:
    buffer = SqliteBuffer(settings.buffer_file)
    append_all(buffer, [body("event_error", "one")], Clock())
    buffer.close()
    result = command("buffer", "check")
    assert result.returncode == 0
    assert "is not there yet" in result.stdout


@pytest.mark.attack
def test_what_the_warehouse_lost_is_found_and_replayed(command: Command, loaded: Settings) -> None:
    for path in (loaded.data_dir / "warehouse.duckdb", loaded.warehouse_path):
        with duckdb.connect(str(path)) as connection:
            connection.execute("delete from fluents.events where position between 7 and 9")
    result = command("buffer", "check")
    assert result.returncode == 1
    assert "wrong  warehouse   It lacks 3 deliveries" in result.stdout
    assert "`fluents-warehouse replay`" in result.stdout
    assert command("replay").returncode == 0
    assert command("buffer", "check").returncode == 0


@pytest.mark.attack
def test_a_deleted_published_file_is_found_and_published_again(
    command: Command, loaded: Settings
) -> None:
    loaded.warehouse_path.unlink()
    result = command("buffer", "check")
    assert result.returncode == 1
    assert "`fluents-warehouse load`" in result.stdout
    assert command("load").returncode == 0
    assert command("buffer", "check").returncode == 0


@pytest.mark.attack
def test_a_damaged_buffer_is_recovered_and_loaded_without_doubling(
    command: Command, loaded: Settings
) -> None:
    damage(loaded.buffer_file)
    check = command("buffer", "check")
    assert check.returncode == 1
    assert "`fluents-warehouse buffer recover`" in check.stdout
    assert "Traceback" not in check.stderr
    result = command("buffer", "recover")
    assert result.returncode == 0, result.stderr
    assert "could not be read" in result.stdout
    (aside,) = loaded.data_dir.glob("buffer.sqlite.damaged-*Z")
    assert str(aside.name) in result.stdout
    assert command("load").returncode == 0
    assert command("buffer", "check").returncode == 0, command("buffer", "check").stdout
    with duckdb.connect(str(loaded.warehouse_path), read_only=True) as connection:
        found = connection.execute(
            "select count(*), count(distinct event_id), count(*) filter (position <= 300)"
            " from fluents.events"
        ).fetchone()
    assert found is not None
    assert found[0] == found[1] > 300
    again = command("buffer", "recover", "--from", str(aside))
    assert (again.returncode, again.stdout.splitlines()[0]) == (0, "Recovered 0 deliveries.")


@pytest.mark.attack
def test_a_receiver_goes_on_through_a_recovery(
    command: Command, tmp_path: Path, receiver: Receiver
) -> None:
    for number in range(200):
        assert receiver.post(body("event_error", f"{number} {'x' * 500}")).status_code == 200
    settings = load_settings(tmp_path / "fluents.toml")
    receiver.stop()
    damage(settings.buffer_file)
    receiver.start()
    result = command("buffer", "recover")
    assert result.returncode == 0, result.stderr
    answer = receiver.post(body("event_error", "after"))
    assert answer.status_code == 200
    assert command("buffer", "check").returncode == 0
    state = json.loads(command("status", "--json").stdout)
    assert 150 < state["received"] < 202
    assert state["pending"] + state["quarantined"] == state["received"]


@pytest.mark.attack
def test_a_recovery_that_was_killed_is_named_and_finished(
    command: Command, loaded: Settings
) -> None:
    path = loaded.buffer_file
    path.rename(f"{path}.damaged-then")
    path.with_name(f"{path.name}.recovering-then").touch()
    result = command("buffer", "check")
    assert (result.returncode, "`fluents-warehouse buffer recover`" in result.stderr) == (1, True)
    result = command("buffer", "recover")
    assert result.stdout.splitlines() == [
        "Finishing a recovery that was begun before.",
        "Recovered 400 deliveries.",
    ]
    assert command("buffer", "check").returncode == 0


@pytest.mark.attack
@pytest.mark.parametrize(
    "statement",
    ["delete from buffer", "update buffer set confirmed_position = 5000, received = 7"],
)
def test_what_check_finds_recover_sets_right(
    statement: str, command: Command, loaded: Settings
) -> None:
    with closing(sqlite3.connect(loaded.buffer_file, isolation_level=None)) as connection:
        connection.execute(statement)
    result = command("buffer", "check")
    assert (result.returncode, result.stderr) == (1, "")
    assert "`fluents-warehouse buffer recover`" in result.stdout
    assert command("buffer", "recover").returncode == 0
    assert command("load").returncode == 0
    assert command("buffer", "check").returncode == 0
    with duckdb.connect(str(loaded.warehouse_path), read_only=True) as connection:
        assert connection.execute("select count(*) from fluents.events").fetchone() == (400,)


@pytest.mark.attack
@pytest.mark.parametrize("action", ["check", "recover"])
def test_without_a_buffer_there_is_nothing_to_do(
    action: str, command: Command, settings: Settings
) -> None:
    result = command("buffer", action)
    assert result.returncode == 1
    assert "nothing was received" in result.stderr
    assert not settings.buffer_file.exists()
