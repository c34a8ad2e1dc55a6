"""Warehouses for tests that are loaded once and copied for each, as a first load takes a second."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import Settings
from fluents_pipelines.load import Loader
from tests.deliveries import TOKEN, Clock, append_all


def settings_in(folder: Path) -> Settings:
    """Settings whose buffer, loader's files and published warehouse lie in `folder`."""
    return Settings(
        data_dir=folder / "data",
        warehouse_path=folder / "published.duckdb",
        webhooks={"main": TOKEN},
        buffer_keep_days=36500,  # the tests' clock stands in the past
        quarantine_keep_days=36500,
        publish_share=1,  # each load of a loader publishes, however slow the machine
    )


def load_once(folder: Path, bodies: Iterable[bytes]) -> Path:
    """Loads `bodies`, received a second apart, into a new warehouse in `folder`."""
    settings = settings_in(folder)
    buffer = SqliteBuffer(settings.buffer_file)
    append_all(buffer, bodies, Clock())
    buffer.close()
    with Loader(settings) as loader:
        loader.load()
    return folder


def copy_of(loaded: Path, folder: Path) -> None:
    """Copies a buffer and its warehouse to `folder`, where `settings_in(folder)` finds them."""
    shutil.copytree(loaded, folder, symlinks=True, dirs_exist_ok=True)
