"""DuckDB clients read what is published, at once, and change nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psutil
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import Settings, load_settings
from fluents_pipelines.load import Loader
from tests.deliveries import Clock, append_all, body
from tests.processes import run_command
from tests.quack.conftest import TOKEN, SqlProcess, ask, attach
from tests.statements import ADMITTED, REFUSED

pytestmark = pytest.mark.attack

CALLS = [body("event_error", f"e{number}", call_id=f"call{number}") for number in range(20)]


@pytest.fixture
def settings(folder: Path) -> Settings:
    (folder / "mine").mkdir()
    (folder / "mine" / "calls.sql").write_text("select 'mine' as whose")
    (folder / "mine" / "other_file.sql").write_text(f"from '{folder}/other.csv'")
    (folder / "other.csv").write_text("a\n1\n")
    return load_settings(folder / "fluents.toml").model_copy(update={"models_dir": folder / "mine"})


@pytest.fixture
def buffer(settings: Settings) -> Iterator[SqliteBuffer]:
    buffer = SqliteBuffer(settings.buffer_file)
    yield buffer
    buffer.close()


@pytest.fixture
def loader(settings: Settings, buffer: SqliteBuffer, clock: Clock) -> Iterator[Loader]:
    append_all(buffer, CALLS, clock)
    with Loader(settings) as loader:
        assert loader.load().published
        yield loader


@pytest.mark.usefixtures("loader")
class TestReading:
    """Of what was published before the server started."""

    def test_a_client_selects_from_tables_and_models_as_if_they_were_its_own(
        self, client: duckdb.DuckDBPyConnection
    ) -> None:
        assert client.execute(
            "select count(*), count(first_error_at), min(call_id) from w.fluents.calls"
            " where call_id <> 'call0'"
        ).fetchall() == [(19, 19, "call1")]
        assert client.execute(
            "select sum(error_call_count), any_value(webhook) from w.analytics.calls_daily"
        ).fetchall() == [(20, "main")]
        assert client.execute("describe w.fluents.calls").fetchall()[0][:2] == (
            "call_id",
            "VARCHAR",
        )

    def test_a_whole_statement_runs_at_the_server(self, client: duckdb.DuckDBPyConnection) -> None:
        sql = "select count(*) from fluents.errors join analytics.call_summary using (call_id)"
        assert ask(client, sql) == [(20,)]
        assert ask(client, "describe analytics.call_summary")[0][0] == "call_id"

    def test_two_relations_of_one_name_are_told_apart(
        self, client: duckdb.DuckDBPyConnection
    ) -> None:
        assert client.execute("select whose from w.analytics.calls").fetchall() == [("mine",)]
        assert client.execute("select count(call_id) from w.fluents.calls").fetchall() == [(20,)]

    def test_a_model_that_reads_another_file_is_left_out_and_named(
        self,
        client: duckdb.DuckDBPyConnection,
        server: SqlProcess,
        loader: Loader,
        buffer: SqliteBuffer,
        clock: Clock,
    ) -> None:
        append_all(buffer, [body("event_error", "x", call_id="another")], clock)
        loader.load()
        wait_for(client, "select count(*) from fluents.calls", len(CALLS) + 1)
        with pytest.raises(duckdb.Error, match="other_file"):
            ask(client, "from analytics.other_file")
        assert server.log.read_text().count("model_not_served") == 1

    @pytest.mark.parametrize("token", ["", TOKEN[:-1], TOKEN + "x", "wrong" * 8])
    def test_a_wrong_token_opens_nothing(
        self, client: duckdb.DuckDBPyConnection, server: SqlProcess, token: str
    ) -> None:
        with pytest.raises(duckdb.Error, match=r"Authentication failed|token"):
            attach(server.uri, token)


@pytest.mark.usefixtures("loader")
def test_nothing_but_one_select_from_what_is_served_is_run(
    client: duckdb.DuckDBPyConnection, server: SqlProcess, settings: Settings
) -> None:
    before = settings.warehouse_path.read_bytes()
    files = set(settings.warehouse_path.parent.rglob("*"))
    for sql in REFUSED:
        with pytest.raises(duckdb.Error, match="Authorization failed"):
            pytest.fail(f"{sql}: {ask(client, sql.replace('{uri}', server.uri))}")
    assert settings.warehouse_path.read_bytes() == before
    assert set(settings.warehouse_path.parent.rglob("*")) == files
    assert ask(client, "select count(*) from fluents.calls") == [(20,)]


@pytest.mark.usefixtures("loader")
def test_selects_of_many_kinds_are_run(client: duckdb.DuckDBPyConnection) -> None:
    for sql in ADMITTED:
        ask(client, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "insert into w.fluents.calls (call_id) values ('x')",
        "insert into w.fluents.calls (call_id) select 'x' || range from range(10000)",
        "create table w.fluents.t (a int)",
        "create schema w.mine",
        "drop table w.fluents.calls",
        "delete from w.fluents.calls",
        "update w.fluents.calls set call_id = 'x'",
    ],
)
@pytest.mark.usefixtures("loader")
def test_a_client_cannot_write_to_what_it_attached(
    client: duckdb.DuckDBPyConnection, sql: str
) -> None:
    with pytest.raises(duckdb.Error):
        client.execute(sql)
    assert ask(client, "select count(*), count(first_error_at) from fluents.calls") == [(20, 20)]
    assert ask(client, "select count(*) from duckdb_tables() where table_name = 't'") == [(0,)]


def test_what_is_published_later_is_there_without_attaching_again(
    server: SqlProcess,
    client: duckdb.DuckDBPyConnection,
    settings: Settings,
    buffer: SqliteBuffer,
    clock: Clock,
) -> None:
    count = "select count(*) from fluents.calls"
    with pytest.raises(duckdb.Error, match="calls"):
        ask(client, count)  # nothing is published yet
    with Loader(settings) as loader:
        for number in range(1, 4):
            append_all(buffer, [body("event_error", "x", call_id=f"call{number}")], clock)
            loader.load()
            wait_for(client, count, number)
    # readers of what was published before keep it until they have read it
    assert "sql_not_refreshed" not in server.log.read_text()


def wait_for(client: duckdb.DuckDBPyConnection, sql: str, value: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if ask(client, sql) == [(value,)]:
                return
        except duckdb.Error:  # nothing is published yet
            pass
        time.sleep(0.05)
    raise AssertionError(f"{sql} never gave {value}")


def test_it_listens_on_this_machine_only(
    server: SqlProcess, client: duckdb.DuckDBPyConnection
) -> None:
    listening = psutil.Process(server.process.pid).net_connections()
    assert {at.laddr.ip for at in listening if at.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


def test_a_port_that_is_taken_is_named(server: SqlProcess, client: object, folder: Path) -> None:
    second = run_command(folder, "sql")
    assert second.returncode == 1
    assert f"SQL cannot be served on {server.uri}" in second.stderr
    assert "Traceback" not in second.stderr
    assert TOKEN not in second.stderr
