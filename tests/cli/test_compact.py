"""`compact` says what it gained, publishes, and gives way to a load."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.loader_state import loader_state
from fluents_connector.settings import load_settings
from tests.deliveries import Clock, append_all, body
from tests.processes import write_settings

Command = Callable[..., subprocess.CompletedProcess[str]]


def test_compact_says_what_it_gained_and_publishes(command: Command, tmp_path: Path) -> None:
    settings = load_settings(write_settings(tmp_path, buffer_keep_days=36500))
    assert "nothing was received" in command("compact").stderr
    buffer = SqliteBuffer(settings.buffer_file)
    append_all(buffer, [body("event_error", "one")], Clock())
    buffer.close()
    assert "load` first" in command("compact").stderr
    assert command("load").returncode == 0
    with loader_state(settings).only_loader():
        assert command("compact").returncode == 3
    result = command("compact")
    assert result.returncode == 0, result.stderr
    said, published = result.stdout.splitlines()
    assert said.startswith("The loader's file took ")
    assert published == "Published fluents_warehouse.duckdb."
    with duckdb.connect(str(tmp_path / "fluents_warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute("select message from fluents.errors").fetchall() == [("one",)]
