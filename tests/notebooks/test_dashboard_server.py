"""`fluents-warehouse dashboard` as a command, and what it serves to whom."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.notebooks.dashboards import Dashboard
from tests.processes import environment, write_settings

Command = Callable[..., subprocess.CompletedProcess[str]]
# what marimo offers to those who may edit
EDITING = {
    "kernel/run": {"cellIds": ["x"], "codes": ["1"]},
    "kernel/save": {"cellIds": [], "codes": [], "names": [], "configs": [], "filename": "x.py"},
    "kernel/read_code": {},
    "kernel/scratchpad/run": {"code": "1"},
    "files/list_files": {"path": "/"},
    "files/file_details": {"path": "/etc/passwd"},
    "packages/add": {"package": "x"},
}


def test_without_the_token_nothing_is_shown_and_with_it_no_code_and_no_file(
    dashboard: Dashboard,
) -> None:
    base = dashboard.url.split("/?")[0]
    stranger = requests.get(base, timeout=30)
    assert "/auth/login" in stranger.url
    assert requests.get(f"{base}/api/usage", timeout=30).status_code == 401
    with requests.Session() as visitor:
        page = visitor.get(dashboard.url, timeout=30).text
        assert "Fluents calls" in page
        assert "snapshot" not in page
        token = re.search(r'"serverToken": "([^"]+)"', page)
        assert token is not None
        headers = {"Marimo-Server-Token": token[1], "Marimo-Session-Id": "s_abcdef"}
        answers = {
            path: visitor.post(
                f"{base}/api/{path}", json=asked, headers=headers, timeout=30
            ).status_code
            for path, asked in EDITING.items()
        }
        assert answers == dict.fromkeys(EDITING, 401)
        for path in ("public/../dashboard.py", "dashboard.py", "dashboard_parts/style.css"):
            assert visitor.get(f"{base}/{path}", timeout=30).status_code == 404


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


@pytest.mark.parametrize(
    ("name", "module"), [("dashboard", "marimo"), ("notebook", "jupyterlab")], ids=str
)
def test_without_its_extra_it_says_what_to_install(tmp_path: Path, name: str, module: str) -> None:
    write_settings(tmp_path)
    code = (
        f"import sys; sys.modules[{module!r}] = None; sys.argv[1:] = [{name!r}];"
        "from fluents_warehouse.cli import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == (
        f"Error: This needs {module}: pip install 'fluents-warehouse[{name}]', "
        f"or pip install '.[{name}]' in a clone.\n"
    )


def test_the_notebook_is_put_beside_the_warehouse_and_one_that_is_there_stays(
    command: Command, tmp_path: Path, empty: Path
) -> None:
    write_settings(tmp_path)
    shutil.copyfile(empty, tmp_path / "fluents_warehouse.duckdb")
    assert command("notebook", "--no-open").returncode == 0
    copy = tmp_path / "first_questions.ipynb"
    assert '"cells"' in copy.read_text()
    copy.write_text("mine")
    assert command("notebook", "--no-open").returncode == 0
    assert copy.read_text() == "mine"
