"""From `demo --keep` to the dashboard and the notebook, by nothing but what the demo prints."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser, expect

from tests.dashboard.running import PATIENCE, Visit
from tests.processes import START_SECONDS, free_port
from tests.recipes.running import run_shell, variables

pytestmark = pytest.mark.attack

EVENTS = 300


@pytest.fixture
def printed(tmp_path: Path) -> dict[str, list[str]]:
    """The commands that the demo prints, by their names."""
    output = run_shell(tmp_path, f"fluents-warehouse demo --keep --events {EVENTS}")
    commands: dict[str, list[str]] = {}
    for line in re.findall(r"^  (fluents-warehouse .*)$", output, re.MULTILINE):
        commands.setdefault(line.split()[1], []).append(line)
    return commands


@contextmanager
def serving(folder: Path, command: str) -> Iterator[str]:
    """The URL with its token that a command prints, for as long as the block runs."""
    (folder / "jupyter").mkdir(exist_ok=True)
    # Jupyter lets root, as in containers, start nothing unless that is said
    config = '{"ServerApp": {"allow_root": true}}'
    (folder / "jupyter" / "jupyter_server_config.json").write_text(config)
    log = folder / "serving.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            cwd=folder,
            env=variables(folder, HOME=str(folder), JUPYTER_CONFIG_DIR=str(folder / "jupyter")),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        # a token of the dashboard may begin with "-"
        while not (found := re.search(r"http://\S+token=[\w-]\S*", log.read_text())):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield found[0]
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def test_the_dashboard_and_the_notebook_show_the_demo(
    browser: Browser, printed: dict[str, list[str]], tmp_path: Path
) -> None:
    assert list(printed) == ["query", "status", "models", "dashboard", "notebook"]
    for command in (*printed["query"], *printed["status"], *printed["models"]):
        run_shell(tmp_path, command)
    with duckdb.connect(str(tmp_path / "fluents-demo" / "fluents_warehouse.duckdb")) as warehouse:
        ((calls,),) = warehouse.execute("select count(*) from fluents.calls").fetchall()

    # somebody else's dashboard may have the usual port
    with serving(tmp_path, f"{printed['dashboard'][0]} --port {free_port()}") as url:
        visit = Visit(browser, url, then="/?span=all")
        expect(visit.figure("Calls")).to_have_text(f"{calls:,}", timeout=PATIENCE)
        visit.close()

    with serving(tmp_path, printed["notebook"][0]) as url:
        page = browser.new_page(viewport={"width": 1280, "height": 2400})
        page.set_default_timeout(PATIENCE)
        page.goto(url)
        page.locator(".jp-DirListing-item", has_text="first_questions").dblclick()
        page.get_by_text("| Idle").wait_for()  # without a kernel no cell runs
        page.locator(".lm-MenuBar-item", has_text="Run").click()
        page.locator('[data-command="runmenu:run-all"]').click()
        page.locator("td", has_text="unknown_direction").wait_for()  # the tenth answer
        page.close()
