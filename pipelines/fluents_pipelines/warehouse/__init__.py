"""The warehouse: where loaded events, tables and models are kept and made visible to readers.

What a warehouse is, `fluents_pipelines.warehouse.protocol` says. These functions alone choose the
implementation, and import it only then: a reader needs nothing of what a loader needs.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from fluents_connector.settings import Settings
    from fluents_pipelines.warehouse.protocol import Published, Warehouse


def open_warehouse(settings: Settings) -> Warehouse:
    """The warehouse for its only loader: made if it is not there, brought up to date if it is.

    Raises `LoadRunning` while another loader has it, and `LoadFailed` where it cannot be opened or
    is of a newer version; nothing is changed then.
    """
    from fluents_pipelines.warehouse.duckdb_file.warehouse import DuckDbWarehouse

    return DuckDbWarehouse(settings)


def compact(settings: Settings) -> tuple[int, int]:
    """Writes the warehouse anew, so that it takes less; returns its bytes before and after.

    The next load makes that visible. Raises `LoadRunning` while a loader has it, and `LoadFailed`
    where there is none or it cannot be done; nothing is changed then.
    """
    from fluents_pipelines.warehouse.duckdb_file.compaction import compact

    return compact(settings)


def published(settings: Settings) -> Published:
    """What readers see of the warehouse, whether it is there yet or not. Opens nothing."""
    from fluents_pipelines.warehouse.duckdb_file.published import PublishedFile

    return PublishedFile(settings)


def open_published(settings: Settings) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """A read-only connection for a `with` block; times are shown in UTC. Raises `QueryError`."""
    return published(settings).connect()
