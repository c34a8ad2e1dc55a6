"""Fixtures of the pipeline: loading what the test appended, and asking what was published."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from fluents_connector.settings import Settings
from fluents_pipelines.load import Loader, LoadResult

Query = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def load(settings: Settings) -> Callable[[], LoadResult]:
    """One load, as `fluents-warehouse load` does it."""

    def run() -> LoadResult:
        with Loader(settings) as loader:
            return loader.load()

    return run


@pytest.fixture
def query(settings: Settings) -> Query:
    """The rows of a query on the published warehouse."""

    def run(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    return run
