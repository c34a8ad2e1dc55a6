"""`fluents-warehouse dashboard` in a process of its own, and what a browser saw of it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page

from tests.processes import START_SECONDS, environment, free_port, write_settings

PATIENCE = 60_000.0  # milliseconds; a shared machine under load, not a claim about speed
_COMMAND = (sys.executable, "-m", "fluents_warehouse", "dashboard")


class Dashboard:
    """A dashboard on one warehouse, until closed."""

    def __init__(self, warehouse: Path, folder: Path) -> None:
        self.warehouse = warehouse
        self.folder = folder
        self.port = free_port()

    def __enter__(self) -> Dashboard:
        write_settings(self.folder, warehouse_path=str(self.warehouse))
        log = self.folder / "dashboard.log"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*_COMMAND, "--no-open", "--port", str(self.port)],
                cwd=self.folder,
                env=environment(),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if printed := re.search(r"http://\S+", log.read_text()):
                self.url = printed[0]
                return self
            time.sleep(0.05)
        self.stop()
        raise AssertionError(f"no dashboard:\n{log.read_text()}")

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        return self.process.wait(30)


class Visit:
    """A page of a dashboard; what it complained of, and what it asked of other hosts."""

    def __init__(self, browser: Browser, url: str, width: int = 1280) -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": 2400})
        self.page.set_default_timeout(PATIENCE)
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url))
        self.page.goto(url)
        self.page.get_by_text("Days (UTC)").wait_for()

    def _note(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            self.strangers.append(url)

    def open(self, section: str, shows: str) -> None:
        """Opens a section and waits until it shows a text."""
        self.page.get_by_role("tab", name=section, exact=True).click()
        self.text(shows).wait_for()

    def text(self, text: str) -> Locator:
        return self.page.get_by_text(text, exact=True).first

    def figure(self, label: str) -> Locator:
        """The value in a box of the overview."""
        box = self.page.locator(".fluents-figure", has=self.page.get_by_text(label, exact=True))
        return box.locator(".value")

    def choose(self, label: str, option: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(option)

    def pick_call(self, place: int) -> None:
        """Picks a call of the list, from 1."""
        self.page.get_by_role("row").nth(place).get_by_role("checkbox").click()

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(
            self.page.evaluate(
                "Math.max(...[document.documentElement, document.body,"
                " document.querySelector('#App')].map(e => e ? e.scrollWidth - e.clientWidth : 0))"
            )
        )
