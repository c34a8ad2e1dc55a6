"""A data_dir that is away for a while, as an unmounted one is: nothing new is made in its place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fluents_connector.buffer import SqliteBuffer
from tests.connector.receiver.test_server import until
from tests.deliveries import body, delivery
from tests.processes import environment, write_settings

pytestmark = pytest.mark.attack


def test_a_loader_makes_no_buffer_in_place_of_one_that_is_gone(tmp_path: Path) -> None:
    write_settings(tmp_path, log_format="json")
    data, away = tmp_path / ".fluents", tmp_path / "away"
    buffer = SqliteBuffer(data / "buffer.sqlite")
    buffer.append(delivery(body("event_error", "x")))
    buffer.close()
    log = tmp_path / "loader.log"
    with log.open("wb") as file:
        loader = subprocess.Popen(
            [sys.executable, "-m", "fluents_warehouse", "load", "--every", "200ms"],
            cwd=tmp_path,
            env=environment(),
            stdout=file,
            stderr=file,
        )
    try:
        until(lambda: '"loaded"' in log.read_text())
        data.rename(away)
        until(lambda: "is gone. Bring it back" in log.read_text())
        assert not (data / "buffer.sqlite").exists()
        assert loader.poll() is None
    finally:
        loader.kill()
        loader.wait()
