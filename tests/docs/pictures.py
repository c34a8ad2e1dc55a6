"""Takes the pictures of the pages: `python -m tests.docs.pictures`, which needs Chromium.

Look at each before you commit it.
"""

from __future__ import annotations

import html
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

import duckdb
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests import needs
from tests.dashboard.running import Dashboard, Visit
from tests.docs import growth_picture
from tests.docs.pages import ROOT
from tests.processes import environment

IMAGES = ROOT / "notebooks" / "images"
WIDTH, HEIGHT = 1280, 1250  # of the browser's window
A_CALL = """
select call_id from analytics.call_summary
where human_turn_count between 5 and 7 and has_post_call_result and call_id in (
    select call_id from fluents.transcripts where contains(transcript, ' the ')
)
order by has_transfer desc, first_event_at limit 1
"""
TERMINAL = (
    "<body style='margin: 0; background: white'><pre id='terminal' style='margin: 0;"
    " padding: 20px; border-radius: 8px; width: 960px; background: #2b2b2b; color: #ddd;"
    " font: 19px/26px monospace'>{}</pre>"
)


def main() -> None:
    """Writes the pictures, of the demo's month of calls and of what was measured."""
    save(growth_picture.draw(), "growth")
    folder = Path(tempfile.mkdtemp())
    command(folder, "demo")
    warehouse = folder / "fluents-demo" / "fluents_warehouse.duckdb"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needs.browser(), args=["--no-sandbox"])
        with Dashboard(warehouse, folder, time_zone="Europe/London") as dashboard:
            visit = Visit(browser, dashboard.url, WIDTH, then="/?span=7d")
            take(visit, "overview")
            take_call(visit, warehouse)
        take_status(browser, command(folder / "fluents-demo", "status"))
        browser.close()


def command(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "fluents_warehouse", *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def take(visit: Visit, name: str) -> None:
    visit.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    visit.page.wait_for_load_state("networkidle")
    save(visit.page.screenshot(), name)


def take_call(visit: Visit, warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        ((call_id,),) = connection.execute(A_CALL).fetchall()
    visit.open(f"/call?id={call_id}")
    take(visit, "call")


def take_status(browser: Browser, printed: str) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 800})
    page.set_content(TERMINAL.format(html.escape(f"$ fluents-warehouse status\n{printed.strip()}")))
    save(page.locator("#terminal").screenshot(), "status")


def save(picture: bytes, name: str) -> None:
    image = Image.open(BytesIO(picture)).convert("RGB")
    image = image.resize((1000, image.height * 1000 // image.width), Image.Resampling.LANCZOS)
    image.quantize(256, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
