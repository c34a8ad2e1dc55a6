"""Fixtures of the notebook: a browser, and warehouses that are only read."""

from __future__ import annotations

from tests.dashboard.conftest import browser, empty, week

__all__ = ["browser", "empty", "week"]
