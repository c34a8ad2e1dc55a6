"""How long a visitor of the dashboard waits, in a real browser, and twenty at once."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import click
import psutil
import requests

from tests.benchmarks.history import make
from tests.benchmarks.measure import Record, fresh, in_turn, median, say
from tests.benchmarks.options import as_json, folder_option, loaded_option, repeats_option
from tests.needs import find_browser

if TYPE_CHECKING:
    from tests.dashboard.running import Dashboard

FIGURE = ".card .value"
VISITORS = 20
PAGES = ("/?span=all", "/calls?span=all&sort=duration", "/results?span=all", "/quality?span=all")
FIRST, SECOND, FILTER = "first figures, new server", "first figures, later visit", "another filter"
TWENTY, MEMORY = f"{VISITORS} visitors at once, p95 of a page", "memory then, MiB"


@click.command("dashboard")
@click.option("--events", default=1_000_000, show_default=True, type=click.IntRange(1))
@loaded_option
@repeats_option
@folder_option
@as_json
def command(events: int, loaded: int, repeats: int, folder: Path | None, as_json: bool) -> None:
    """From the opening of the page until figures are there, and until a filter has changed them.

    Each run is a new `fluents-warehouse dashboard` and a new browser, Chromium, both on this
    machine. Then twenty visitors open four pages each, of which no two ask for the same calls. A
    thousand events stand beside the many. The events are made by SQL from those of a first real
    load.
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
        for what in (FIRST, SECOND, FILTER, TWENTY):
            seconds = median([one[what] for one in runs])
            record.rows.append({"what": what, "events": int(size), "seconds": seconds})
        mebibytes = max(one[MEMORY] for one in runs)
        record.rows.append({"what": MEMORY, "events": int(size), "mebibytes": mebibytes})
    record.show(as_json)


def visits(warehouse: Path, folder: Path) -> dict[str, float]:
    """The seconds of two visits to a new dashboard, of a change of its filter, and of twenty."""
    from playwright.sync_api import Browser, sync_playwright

    from tests.dashboard.running import PATIENCE, Dashboard

    def visit(browser: Browser) -> tuple[float, float]:
        page = browser.new_page(viewport={"width": 1280, "height": 2400})
        page.set_default_timeout(PATIENCE)
        start = time.perf_counter()
        page.goto(f"{dashboard.url}&span=all", wait_until="commit")
        page.locator(FIGURE).first.wait_for()
        seconds = time.perf_counter() - start
        page.wait_for_load_state("networkidle")
        start = time.perf_counter()
        page.get_by_label("Direction", exact=True).select_option("inbound")
        page.get_by_role("button", name="Apply").click()
        page.wait_for_url("**direction=inbound")
        page.locator(FIGURE).first.wait_for()
        return seconds, time.perf_counter() - start

    with Dashboard(warehouse, folder) as dashboard, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        first, _ = visit(browser)
        second, filtered = visit(browser)
        browser.close()
        twenty = many(dashboard)
        server = psutil.Process(dashboard.process.pid)
        processes = [server, *server.children(recursive=True)]
        memory = sum(process.memory_info().rss for process in processes) / 1024**2
    return {FIRST: first, SECOND: second, FILTER: filtered, TWENTY: twenty, MEMORY: memory}


def many(dashboard: Dashboard) -> float:
    """Of twenty visitors that open four pages each, the seconds that 95 of 100 pages take."""
    base = dashboard.url.split("/?")[0]

    def visit(number: int) -> list[float]:
        seconds = []
        with requests.Session() as visitor:
            visitor.trust_env = False
            visitor.get(dashboard.url, timeout=120)
            for path in PAGES:
                # a last day of each one's own, so that no answer is kept from another
                chosen = path.replace("span=all", f"from=2000-01-01&to=2100-01-{number + 1:02d}")
                start = time.perf_counter()
                page = visitor.get(f"{base}{chosen}", timeout=120)
                seconds.append(time.perf_counter() - start)
                page.raise_for_status()
        return seconds

    with ThreadPoolExecutor(VISITORS) as pool:
        taken = [one for visitor in pool.map(visit, range(VISITORS)) for one in visitor]
    return statistics.quantiles(taken, n=20)[-1]
