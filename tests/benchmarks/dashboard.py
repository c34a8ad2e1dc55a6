"""How long a visitor of the dashboard waits, in a real browser."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

from tests.benchmarks.history import make
from tests.benchmarks.measure import Record, fresh, in_turn, median, say
from tests.benchmarks.options import as_json, folder_option, loaded_option, repeats_option
from tests.needs import find_browser

FIGURE = ".fluents-figure .value"
FIRST, SECOND, FILTER = "first figures, new server", "first figures, later visit", "another filter"


@click.command("dashboard")
@click.option("--events", default=1_000_000, show_default=True, type=click.IntRange(1))
@loaded_option
@repeats_option
@folder_option
@as_json
def command(events: int, loaded: int, repeats: int, folder: Path | None, as_json: bool) -> None:
    """From the opening of the page until figures are there, and until a filter has changed them.

    Each run is a new `fluents-warehouse dashboard` and a new browser, Chromium, both on this
    machine. A thousand events stand beside the many. The events are made by SQL from those of a
    first real load.
    """
    if not find_browser():
        raise click.ClickException("Chromium is missing: apt-get install chromium")
    with tempfile.TemporaryDirectory(dir=folder, prefix="fluents-dashboard-") as name:
        warehouses = {}
        for size in sorted({min(1000, events), events}):
            say(f"making a warehouse of {size:,} events")
            (base := Path(name, str(size))).mkdir()
            fresh(make, base, size, loaded=loaded)
            warehouses[size] = base / ".fluents" / "warehouse.duckdb"

        def run(warehouse: Path) -> Callable[[], dict[str, float]]:
            return lambda: fresh(visits, warehouse, Path(tempfile.mkdtemp(dir=name)))

        results = in_turn({f"{size}": run(path) for size, path in warehouses.items()}, repeats)
    record = Record("dashboard", {"repeats": repeats})
    for size, runs in results.items():
        for what in (FIRST, SECOND, FILTER):
            seconds = median([one[what] for one in runs])
            record.rows.append({"what": what, "events": int(size), "seconds": seconds})
    record.show(as_json)


def visits(warehouse: Path, folder: Path) -> dict[str, float]:
    """The seconds of two visits to a new dashboard, and of a change of its filter."""
    from playwright.sync_api import Browser, sync_playwright

    from tests.notebooks.dashboards import PATIENCE, Dashboard

    def visit(browser: Browser) -> tuple[float, float]:
        page = browser.new_page(viewport={"width": 1280, "height": 2400})
        page.set_default_timeout(PATIENCE)
        start = time.perf_counter()
        page.goto(dashboard.url)
        figure = page.locator(FIGURE).first
        figure.wait_for()
        seconds = time.perf_counter() - start
        before = figure.inner_text()
        page.wait_for_load_state("networkidle")
        start = time.perf_counter()
        page.get_by_label("Direction", exact=True).select_option("inbound")
        page.wait_for_function(
            "([selector, before]) => document.querySelector(selector)?.innerText !== before",
            arg=[FIGURE, before],
        )
        return seconds, time.perf_counter() - start

    with Dashboard(warehouse, folder) as dashboard, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        first, _ = visit(browser)
        second, filtered = visit(browser)
        browser.close()
    return {FIRST: first, SECOND: second, FILTER: filtered}
