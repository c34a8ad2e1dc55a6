"""Fixtures of the dashboard: warehouses that are only read, visitors of each, and a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests import needs, warehouses
from tests.dashboard.running import Dashboard
from tests.dashboard.visitors import Visitor


@pytest.fixture(scope="session")
def week(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return warehouses.simulated(tmp_path_factory.mktemp("week"))


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return warehouses.load(warehouses.settings_in(tmp_path_factory.mktemp("empty")))


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return warehouses.hostile(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="session")
def visitor(week: Path) -> Iterator[Visitor]:
    """Somebody with the token, on the last day of the week."""
    with Visitor(week) as visiting:
        yield visiting


@pytest.fixture(scope="module")
def dashboard(week: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard on the week of simulated calls."""
    with Dashboard(week, tmp_path_factory.mktemp("dashboard")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = needs.browser()
    with sync_playwright() as playwright:
        # its sandbox does not work for root, as in containers
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()
