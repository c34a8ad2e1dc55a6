"""`fluents-warehouse dashboard` in a process of its own, and what a browser saw of it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page

from tests.processes import START_SECONDS, environment, free_port, write_settings

PATIENCE = 60_000.0  # milliseconds; a shared machine under load, not a claim about speed
_COMMAND = (sys.executable, "-m", "fluents_warehouse", "dashboard")


class Dashboard:
    """A dashboard on one warehouse, until closed."""

    def __init__(self, warehouse: Path, folder: Path, **settings: Any) -> None:
        self.settings = {"warehouse_path": str(warehouse), **settings}
        self.folder = folder
        self.port = free_port()

    def __enter__(self) -> Dashboard:
        write_settings(self.folder, **self.settings)
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
            if printed := re.search(r"https?://\S+", log.read_text()):
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

    def __init__(self, browser: Browser, url: str, width: int = 1280, then: str = "/") -> None:
        """Opens the link with the token, and then the page at the path `then`."""
        self.base = url.split("/?")[0]
        self.context = browser.new_context(viewport={"width": width, "height": 1000})
        self.page: Page = self.context.new_page()
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
        if then != "/":
            self.open(then)

    def close(self) -> None:
        self.context.close()

    def _note(self, url: str) -> None:
        if not url.startswith(f"{self.base}/"):
            self.strangers.append(url)

    def open(self, path: str) -> None:
        """Opens the page at a path of the dashboard."""
        self.page.goto(f"{self.base}{path}")

    def path(self) -> str:
        """The page's own address, without the host."""
        return self.page.url.removeprefix(self.base)

    def figure(self, label: str) -> Locator:
        """The value on a card of the overview."""
        heading = self.page.get_by_role("heading", name=label, exact=True)
        return self.page.locator(".card", has=heading).locator(".value")

    def choose(self, label: str, option: str) -> None:
        """Chooses one filter and applies it."""
        filters = self.page.get_by_role("region", name="Filters")
        filters.get_by_label(label, exact=True).select_option(option)
        filters.get_by_role("button", name="Apply").click()

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(
            self.page.evaluate(
                "Math.max(...[document.documentElement, document.body]"
                ".map(e => e.scrollWidth - e.clientWidth))"
            )
        )
