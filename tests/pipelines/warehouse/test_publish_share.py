"""Publishing takes a share of the time: what is not due waits, and is never forgotten."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import Settings
from fluents_pipelines.load import Loader, nothing_to_load
from fluents_pipelines.transactions import transaction
from fluents_pipelines.warehouse import properties
from fluents_pipelines.warehouse.duckdb_file.publish import Publisher
from fluents_warehouse.commands.status import collect
from tests.connector.receiver.test_server import until
from tests.deliveries import Clock, append_all, body
from tests.pipelines.conftest import Query
from tests.processes import environment, write_settings

pytestmark = pytest.mark.attack

Command = Callable[..., subprocess.CompletedProcess[str]]
COUNT = "select count(*) from fluents.errors"
HARDLY_EVER = 1e-9  # a share with which the next publish is due in years


@contextmanager
def loading(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`load --every` in a process of its own."""
    with (folder / "load.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "fluents_warehouse", "load", "--every", "100ms"],
            cwd=folder,
            env=environment(),
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def waiting(settings: Settings) -> tuple[Any, Any]:
    """Deliveries that wait for a load, and those that wait for a publish."""
    state = collect(settings)
    return state["pending"], state["warehouse"]["loaded_since"]


@pytest.mark.parametrize(("share", "pause"), [(0.5, 4.0), (0.2, 16.0), (0.8, 1.0), (1.0, 0.0)])
def test_a_publish_is_due_again_when_its_share_of_the_time_allows(
    tmp_path: Path, share: float, pause: float
) -> None:
    made, began, ended = 50.0, 100.0, 104.0
    times = iter([made, began, ended, ended + pause - 0.1, ended + pause + 0.1])
    source = tmp_path / "warehouse.duckdb"
    target = tmp_path / "published.duckdb"
    duckdb.connect(str(source)).close()
    with source.open("rb") as file, duckdb.connect(str(source)) as connection:
        properties.prepare(connection)
        publisher = Publisher(file, connection, target, share, lambda: next(times))
        publisher.publish(connection)
    assert not publisher.is_due()
    assert publisher.is_due()


def test_the_commit_that_is_the_checkpoint_of_a_publish_counts_as_publishing(
    tmp_path: Path,
) -> None:
    made, marked, committed, began, ended = 50.0, 97.0, 99.0, 100.0, 104.0
    times = iter([made, marked, committed, began, ended, ended + 5.9, ended + 6.1])
    source = tmp_path / "warehouse.duckdb"
    target = tmp_path / "published.duckdb"
    duckdb.connect(str(source)).close()
    with source.open("rb") as file, duckdb.connect(str(source)) as connection:
        properties.prepare(connection)
        publisher = Publisher(file, connection, target, 0.5, lambda: next(times))
        with transaction(connection):
            publisher.mark_changed(connection)
        publisher.committed()
        assert publisher.publish(connection).seconds == 6.0
    assert not publisher.is_due()
    assert publisher.is_due()


def test_what_is_not_due_is_loaded_and_confirmed_and_the_next_loader_publishes_it(
    buffer: SqliteBuffer, clock: Clock, settings: Settings, query: Query
) -> None:
    settings = settings.model_copy(update={"publish_share": HARDLY_EVER})
    append_all(buffer, [body("event_error", "one")], clock)
    with Loader(settings) as loader:
        assert loader.load().published
        assert nothing_to_load(settings, buffer)
        append_all(buffer, [body("event_error", "two"), body("event_error", "three")], clock)
        result = loader.load()
        assert (result.deliveries, result.published) == (2, False)
        assert not loader.load().published
    assert waiting(settings) == (0, 2)
    assert query(COUNT) == [(1,)]
    assert not nothing_to_load(settings, buffer)
    with Loader(settings) as loader:
        result = loader.load()
    assert (result.deliveries, result.published) == (0, True)
    assert waiting(settings) == (0, 0)
    assert query(COUNT) == [(3,)]
    assert nothing_to_load(settings, buffer)


def test_what_becomes_due_is_published_without_any_more_events(
    buffer: SqliteBuffer, clock: Clock, settings: Settings, tmp_path: Path, query: Query
) -> None:
    write_settings(tmp_path, data_dir="data", warehouse_path="published.duckdb", publish_share=0.02)
    append_all(buffer, [body("event_error", "one")], clock)
    with loading(tmp_path):
        until(lambda: settings.warehouse_path.exists())
        append_all(buffer, [body("event_error", "two")], clock)
        until(lambda: query(COUNT) == [(2,)])


@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_a_loader_that_ends_leaves_nothing_unpublished_for_ever(
    buffer: SqliteBuffer,
    clock: Clock,
    command: Command,
    settings: Settings,
    tmp_path: Path,
    query: Query,
    end: str,
) -> None:
    write_settings(
        tmp_path, data_dir="data", warehouse_path="published.duckdb", publish_share=HARDLY_EVER
    )
    append_all(buffer, [body("event_error", "one")], clock)
    with loading(tmp_path) as loader:
        until(lambda: settings.warehouse_path.exists() and waiting(settings) == (0, 0))
        append_all(buffer, [body("event_error", "two")], clock)
        until(lambda: waiting(settings) == (0, 1))
        assert "loaded since, for the next publish: 1" in command("status").stdout
        if end == "stopped":
            loader.terminate()
            assert loader.wait(60) == 0
    if end == "killed":
        assert query(COUNT) == [(1,)]
        assert "Published" in command("load").stdout
    assert query(COUNT) == [(2,)]
    state = json.loads(command("status", "--json").stdout)["warehouse"]
    assert state["loaded_since"] == 0
    assert state["published_at"] is not None
    assert command("load").stdout == "Nothing to load.\n"
