"""The server turns to what is published, and serves the former where that cannot be served."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from structlog.testing import capture_logs

from fluents_connector.settings import Settings, load_settings
from fluents_pipelines.readers.sql_server import SqlServer
from tests.processes import START_SECONDS, environment
from tests.quack.conftest import ask, attach


@pytest.fixture
def settings(folder: Path) -> Settings:
    return load_settings(folder / "fluents.toml")


@pytest.fixture
def links(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    (folder / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "tmp"))
    return folder / "tmp"


def publish(settings: Settings, *statements: str) -> None:
    """Puts a warehouse in place that was made by `statements`."""
    made = settings.warehouse_path.with_name("made.duckdb")
    with duckdb.connect(made) as warehouse:
        warehouse.execute("create schema fluents; create schema analytics")
        for statement in statements:
            warehouse.execute(statement)
    made.replace(settings.warehouse_path)


def calls(whose: str) -> str:
    return f"create table fluents.calls as select '{whose}' as whose"


@pytest.fixture
def server(settings: Settings, links: Path) -> Iterator[SqlServer]:
    publish(settings, calls("first"))
    with SqlServer(settings, grace_seconds=0) as server:
        yield server
    assert list(links.iterdir()) == []


@pytest.fixture
def client(server: SqlServer) -> Iterator[duckdb.DuckDBPyConnection]:
    with attach(server.uri) as connection:
        yield connection


def attached(client: duckdb.DuckDBPyConnection) -> list[str]:
    sql = "select catalog_name from information_schema.schemata where catalog_name like 'pub%'"
    return sorted({name for (name,) in ask(client, sql)})


def test_each_publication_takes_the_place_of_the_former(
    server: SqlServer, client: duckdb.DuckDBPyConnection, settings: Settings, links: Path
) -> None:
    for number in range(1, 4):
        publish(settings, calls(f"number {number}"), f"create table fluents.t{number} (a int)")
        server.follow()
        assert ask(client, "from calls") == [(f"number {number}",)]
        assert ask(client, f"from t{number}") == []
        assert len(attached(client)) == 1
        assert len(list(links.glob("*/*"))) == 1


def test_a_query_that_began_before_may_still_read_the_former(
    settings: Settings, links: Path
) -> None:
    publish(settings, calls("first"))
    with SqlServer(settings, grace_seconds=60) as server, attach(server.uri) as client:
        (first,) = attached(client)
        publish(settings, calls("second"))
        server.follow()
        assert ask(client, "from calls") == [("second",)]
        assert first in attached(client)
        server._grace_seconds = 0
        server.follow()
        assert first not in attached(client)
        assert len(list(links.glob("*/*"))) == 1


def test_a_file_that_cannot_be_served_is_named_once_and_the_former_served_until_another_comes(
    server: SqlServer, client: duckdb.DuckDBPyConnection, settings: Settings, links: Path
) -> None:
    before = attached(client)
    made = settings.warehouse_path.with_name("made")
    made.write_bytes(b"no database" * 10_000)
    made.replace(settings.warehouse_path)
    with capture_logs() as logs:
        for _ in range(3):
            server.follow()
    assert [line["event"] for line in logs] == ["sql_not_refreshed"]
    assert ask(client, "from calls") == [("first",)]
    assert attached(client) == before
    assert len(list(links.glob("*/*"))) == 1

    publish(settings, calls("second"))
    server.follow()
    assert ask(client, "from fluents.calls") == [("second",)]
    assert len(attached(client)) == 1


def test_what_fails_while_the_views_are_turned_is_tried_again_at_the_next_look(
    server: SqlServer, client: duckdb.DuckDBPyConnection, settings: Settings
) -> None:
    before = attached(client)
    publish(settings, calls("second"), "create table fluents.more (a int)")
    # somebody else's change of the same views, not committed yet
    with server._connection.cursor() as other:
        other.execute("begin; drop view fluents.calls")
        with capture_logs() as logs:
            server.follow()
            server.follow()
        assert [line["event"] for line in logs] == ["sql_not_refreshed"]
        assert ask(client, "from calls") == [("first",)]
        assert attached(client) == before
        other.execute("rollback")
    server.follow()
    assert ask(client, "from fluents.calls") == [("second",)]
    assert ask(client, "from calls") == [("second",)]
    assert len(attached(client)) == 1


@pytest.mark.parametrize(
    "name", ["served", "functions", "serving", "duckdb_tables", "sqlite_master"]
)
def test_a_model_may_have_any_name(
    server: SqlServer, client: duckdb.DuckDBPyConnection, settings: Settings, name: str
) -> None:
    publish(settings, calls("second"), f"create view analytics.{name} as select 'mine' as whose")
    with capture_logs() as logs:
        server.follow()
    assert logs == []
    assert ask(client, f"from {name}") == [("mine",)]
    with attach(server.uri) as another:
        assert another.execute(f"from w.analytics.{name}").fetchall() == [("mine",)]
        assert another.execute("from w.fluents.calls").fetchall() == [("second",)]


def test_names_that_differ_in_case_only_need_their_schema(
    server: SqlServer, client: duckdb.DuckDBPyConnection, settings: Settings
) -> None:
    publish(settings, calls("second"), "create view analytics.CALLS as select 'mine' as whose")
    server.follow()
    assert ask(client, "from fluents.calls") == [("second",)]
    assert ask(client, "from analytics.calls") == [("mine",)]


def test_credentials_of_the_environment_are_not_in_the_engine(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "DUCKDB_S3_ENDPOINT"):
        monkeypatch.setenv(name, "of-the-server")
    monkeypatch.setenv("HTTP_PROXY", "http://me:of-the-server@127.0.0.1:9")
    with SqlServer(settings) as server:
        # as the engine's owner: `admitted` refuses it to clients
        found = server._connection.execute(
            "select name, value from duckdb_settings() where value like '%of-the-server%'"
        ).fetchall()
    assert found == []
    assert "AWS_SECRET_ACCESS_KEY" not in os.environ


def test_a_former_file_that_cannot_be_taken_off_ends_nothing(
    server: SqlServer,
    client: duckdb.DuckDBPyConnection,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise duckdb.IOException("not now")

    publish(settings, calls("second"))
    with capture_logs() as logs, monkeypatch.context() as patched:
        patched.setattr(server._published, "detach", refuse)
        server.follow()
        server.follow()
    assert [line["event"] for line in logs] == ["sql_not_refreshed"]
    assert ask(client, "from calls") == [("second",)]


HANGS = """
import signal, sys, threading, time
from pathlib import Path
from fluents_pipelines.readers.sql_server import SqlServer
from fluents_warehouse.cli import cli
from fluents_warehouse.commands import sql
sql.STOP_SECONDS = 0.2
SqlServer.close = lambda self: time.sleep(600)
threading.Timer(0.5, signal.raise_signal, [signal.SIGTERM]).start()
cli(["sql", "--config", sys.argv[1]])
"""


def test_a_server_whose_stop_hangs_ends_all_the_same(
    settings: Settings, folder: Path, links: Path
) -> None:
    publish(settings, calls("first"))
    ended = subprocess.run(
        [sys.executable, "-c", HANGS, folder / "fluents.toml"],
        env=environment(TMPDIR=str(links)),
        timeout=START_SECONDS,
        check=False,
    )
    assert ended.returncode == 0
    assert list(links.iterdir()) == []
