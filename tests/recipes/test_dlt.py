"""What dlt itself shows of our pipeline: its commands, its dataset access, its dashboard."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import TimeoutError as NotThere
from playwright.sync_api import sync_playwright

from fluents_connector.settings import load_settings
from fluents_pipelines.load import Loader
from tests import needs
from tests.dashboard.running import PATIENCE
from tests.processes import START_SECONDS, free_port
from tests.recipes.running import run_python, run_shell, variables
from tests.recipes.test_clients import PYTHON, SHELL, answer, shows

pytestmark = pytest.mark.attack

ARROW = (
    "print(pipeline.dataset().calls.arrow().num_rows, pipeline.dataset().row_counts().df().shape)"
)


def test_dataset_access_answers_while_a_loader_runs(folder: Path) -> None:
    with Loader(load_settings(folder / "fluents.toml")):
        printed = run_python(folder, PYTHON["dlt"] + ARROW)
    assert shows(printed, answer(folder, "select status, count(*) from fluents.calls group by 1"))
    calls = answer(folder, "select 'calls', count(*) from fluents.calls")["calls"]
    assert printed.splitlines()[-1] == f"{calls} (13, 2)"


def test_a_load_goes_on_after_dlt_looked_at_its_folder(folder: Path) -> None:
    run_python(folder, PYTHON["dlt"])
    loaded = run_shell(folder, "rm fluents_warehouse.duckdb; fluents-warehouse load 2>&1")
    assert loaded.startswith("Loaded 0 deliveries")


def test_dlts_commands_tell_of_the_last_load_while_a_loader_runs(folder: Path) -> None:
    with Loader(load_settings(folder / "fluents.toml")):
        printed = run_shell(folder, SHELL["dlt commands"])
    assert "fluents_pipelines.warehouse.duckdb_file.destination.keyed_duckdb" in printed
    assert "- events: 300 row(s)" in printed


@contextmanager
def page(folder: Path) -> Iterator[str]:
    """The URL of dlt's dashboard, for as long as the block runs."""
    log = folder / "dlt.log"
    options = f"--headless --port {free_port()}"  # as somebody else's may have the usual one
    command = SHELL["dlt dashboard"].replace("marimo run", f"marimo run {options}")
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["/bin/bash", "-euc", command],
            cwd=folder,
            env=variables(folder),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (found := re.search(r"http://\S+", log.read_text())):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield found[0]
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_dlts_dashboard_shows_the_tables_and_counts_their_rows(folder: Path) -> None:
    with page(folder) as url, sync_playwright() as playwright:
        # its sandbox does not work for root, as in containers
        browser = playwright.chromium.launch(executable_path=needs.browser(), args=["--no-sandbox"])
        visit = browser.new_page(viewport={"width": 1300, "height": 2400})
        visit.set_default_timeout(PATIENCE)
        visit.goto(url)
        visit.get_by_text("One row for each delivery accepted").first.wait_for()
        counts = visit.get_by_role("button", name="Load row counts")
        counted = visit.get_by_role("cell", name="300", exact=True).first
        counts.click()
        try:
            counted.wait_for(timeout=PATIENCE / 6)
        except NotThere:  # a click while the page is still being made is lost
            counts.click()
            counted.wait_for()
        browser.close()
