"""A user's folder after a load: settings, buffer, dlt's folder, published warehouse."""

from __future__ import annotations

import shutil
from itertools import islice
from pathlib import Path

import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import load_settings
from fluents_connector.simulator import simulate
from fluents_pipelines.load import Loader
from tests.deliveries import Clock, append_all
from tests.processes import write_settings

EVENTS = 300


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    settings = load_settings(write_settings(folder, buffer_keep_days=36500))
    buffer = SqliteBuffer(settings.buffer_file)
    append_all(buffer, [one.body for one in islice(simulate(seed=6), EVENTS)], Clock())
    buffer.close()
    with Loader(settings) as loader:
        loader.load()
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it, that the test may change."""
    return Path(shutil.copytree(made, tmp_path / "folder"))
