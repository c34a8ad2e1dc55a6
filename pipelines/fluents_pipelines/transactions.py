"""Transactions of a DuckDB connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """A transaction: committed at the end of the block, undone by any error in it."""
    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException:
        # a commit that fails has ended it; whatever goes wrong here, the first error says more
        with suppress(duckdb.Error):
            connection.rollback()
        raise
