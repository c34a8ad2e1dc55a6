"""`fluents-warehouse dashboard` as a command, and what it serves to whom."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.dashboard.running import Dashboard
from tests.processes import write_settings

Command = Callable[..., subprocess.CompletedProcess[str]]


def test_its_link_opens_the_figures_and_the_log_has_no_token(dashboard: Dashboard) -> None:
    with requests.Session() as visitor:
        page = visitor.get(dashboard.url, timeout=30)
        assert "token" not in page.url
        assert "Overview" in page.text
        calls = visitor.get(f"{page.url}calls?span=all", timeout=30).text
        assert 'class="row"' in calls
        assert calls.rstrip().endswith("</html>")
    token = dashboard.url.split("token=")[1]
    log = (dashboard.folder / "dashboard.log").read_text()
    assert log.count(token) == 1, "where the link is printed"


def test_a_token_of_the_settings_is_the_same_at_each_start(empty: Path, tmp_path: Path) -> None:
    token = "kept-over-restarts-0123456789-abcdef"  # noqa: S105 # of a test
    with Dashboard(empty, tmp_path, dashboard_token=token) as dashboard:
        assert dashboard.url.endswith(f"/?token={token}")
        said = (tmp_path / "dashboard.log").read_text()
    assert "dashboard_token" not in said


def test_it_listens_on_this_machine_alone(dashboard: Dashboard) -> None:
    assert dashboard.url.startswith("http://127.0.0.1:")
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", dashboard.port))


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_it_ends_with_status_0_and_frees_its_port(
    empty: Path, tmp_path: Path, signal_: signal.Signals
) -> None:
    with Dashboard(empty, tmp_path) as dashboard:
        assert dashboard.stop(signal_) == 0
        with pytest.raises(requests.ConnectionError):
            requests.get(dashboard.url, timeout=30)
    assert "Traceback" not in (tmp_path / "dashboard.log").read_text()


def test_a_port_that_is_taken_is_said_in_a_sentence(command: Command, tmp_path: Path) -> None:
    write_settings(tmp_path)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        result = command("dashboard", "--no-open", "--port", str(port))
    assert (result.returncode, result.stdout) == (1, "")
    assert f"Cannot listen on 127.0.0.1:{port}" in result.stderr
