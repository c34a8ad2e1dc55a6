"""A real server of SQL in a process of its own, and real DuckDB clients of it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from fluents_connector.settings import load_settings
from fluents_pipelines.readers.sql_server import load_quack
from fluents_warehouse.child import end
from tests.processes import START_SECONDS, environment, free_port, write_settings

TOKEN = "Qk7-sGm2_vLx9ZpR4tWc8yHb1NdE6fJu"  # noqa: S105 # of the tests


class SqlProcess:
    """`fluents-warehouse sql` in `folder`, until closed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "sql.log"
        self.uri = load_settings(folder / "fluents.toml").sql_uri
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fluents_warehouse", "sql"],
                cwd=folder,
                env=environment(),
                stdout=log,
                stderr=log,
            )

    def stop(self) -> int:
        end(self.process, 30)
        assert TOKEN not in self.log.read_text()
        return self.process.returncode


def attach(uri: str, token: str = TOKEN) -> duckdb.DuckDBPyConnection:
    """A client that has the warehouse attached as `w`, once there is a server."""
    client = duckdb.connect()
    load_quack(client)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            client.execute(f"attach '{uri}' as w (token '{token}')")
            return client
        except duckdb.IOException:
            assert time.monotonic() < deadline, "no server"
            time.sleep(0.1)


def ask(client: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """What the server answers to `sql` as it stands."""
    return client.execute("from w.query(?)", [sql]).fetchall()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_settings(tmp_path, sql_port=free_port(), sql_token=TOKEN, buffer_keep_days=36500)
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[SqlProcess]:
    running = SqlProcess(folder)
    yield running
    assert running.stop() == 0, running.log.read_text()


@pytest.fixture
def client(server: SqlProcess) -> Iterator[duckdb.DuckDBPyConnection]:
    with attach(server.uri) as connection:
        yield connection
