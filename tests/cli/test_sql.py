"""Where SQL cannot be served, `sql` and `run --sql` say what to do and start nothing."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from fluents_warehouse.child import end
from tests.deliveries import TOKEN
from tests.processes import START_SECONDS, environment, free_port, write_settings

pytestmark = pytest.mark.attack

Command = Callable[..., subprocess.CompletedProcess[str]]
SQL_TOKEN = TOKEN[::-1]


@pytest.mark.parametrize("arguments", [["sql"], ["run", "--sql"]], ids=" ".join)
def test_without_the_extension_it_says_how_to_get_it_and_starts_nothing(
    command: Command, tmp_path: Path, arguments: list[str]
) -> None:
    write_settings(tmp_path, port=free_port(), sql_port=free_port(), sql_token=SQL_TOKEN)
    # no extension in this home, and none to be had
    nowhere = {"HOME": str(tmp_path / "home"), "HTTP_PROXY": "http://127.0.0.1:9"}

    result = command(*arguments, env=nowhere)

    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: SQL cannot be served: DuckDB ")
    assert "pip install duckdb==1.5.5 duckdb-extensions" in line
    assert SQL_TOKEN not in line
    assert not (tmp_path / ".fluents").exists()


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT], ids=lambda it: it.name)
def test_a_download_that_hangs_is_given_up_when_run_is_ended(
    hanging_download: tuple[subprocess.Popen[bytes], socket.socket], signal_: signal.Signals
) -> None:
    running, connected = hanging_download
    (check,) = psutil.Process(running.pid).children()
    connected.settimeout(START_SECONDS)
    assert connected.recv(1000).startswith(b"GET ")
    running.send_signal(signal_)
    assert running.wait(30) == 0
    assert not check.is_running()


def test_a_check_that_is_killed_starts_nothing(
    hanging_download: tuple[subprocess.Popen[bytes], socket.socket], tmp_path: Path
) -> None:
    running, _ = hanging_download
    (check,) = psutil.Process(running.pid).children()
    check.kill()
    assert running.wait(30) == 1
    assert not (tmp_path / ".fluents").exists()


@pytest.fixture
def hanging_download(
    tmp_path: Path,
) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    """`run --sql` that waits for an extension, and the proxy's end of its connection."""
    write_settings(tmp_path, port=free_port(), sql_port=free_port(), sql_token=SQL_TOKEN)
    (tmp_path / "home").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(START_SECONDS)
        running = subprocess.Popen(
            [sys.executable, "-m", "fluents_warehouse", "run", "--sql"],
            cwd=tmp_path,
            env=environment(
                HOME=str(tmp_path / "home"),
                HTTP_PROXY=f"http://127.0.0.1:{proxy.getsockname()[1]}",
            ),
        )
        try:
            connected, _ = proxy.accept()
            with connected:
                yield running, connected
        finally:
            end(running, 30)


@pytest.mark.parametrize("arguments", [["sql"], ["run", "--sql"]], ids=" ".join)
def test_without_a_token_it_says_how_to_make_one(
    command: Command, tmp_path: Path, arguments: list[str]
) -> None:
    write_settings(tmp_path, port=free_port())
    result = command(*arguments)
    assert result.returncode == 1
    assert "sql_token" in result.stderr
    assert "secrets.token_urlsafe" in result.stderr
    assert not (tmp_path / ".fluents").exists()


def test_init_makes_a_token_and_says_how_to_attach(command: Command, tmp_path: Path) -> None:
    shown = command("init").stdout
    found = re.search(r"ATTACH 'quack:localhost:9494' AS warehouse \(TOKEN '([\w-]{43})'\);", shown)
    assert found
    assert f'sql_token = "{found[1]}"' in (tmp_path / "fluents.toml").read_text()
    assert found[1] not in command("status").stdout


@pytest.mark.parametrize(
    ("sql_host", "shown"),
    [
        ("127.0.0.1", "localhost"),
        ("::1", "[::1]"),
        ("192.0.2.7", "192.0.2.7"),
        ("0.0.0.0", "<this host>"),  # noqa: S104
        ("::", "<this host>"),
    ],
)
def test_init_names_a_host_that_clients_can_connect_to(
    command: Command, tmp_path: Path, sql_host: str, shown: str
) -> None:
    write_settings(tmp_path, sql_host=sql_host, sql_port=9595, sql_token=SQL_TOKEN)
    assert f"  ATTACH 'quack:{shown}:9595' AS warehouse (TOKEN" in command("init").stdout
