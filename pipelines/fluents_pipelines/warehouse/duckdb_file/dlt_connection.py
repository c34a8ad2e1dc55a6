"""What dlt runs its SQL on: the loader's own connection, and cursors that DuckDB 2 can read."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from dlt.destinations.impl.duckdb.configuration import DuckDbConnectionPool
from dlt.destinations.impl.duckdb.sql_client import DuckDBDBApiCursorImpl

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class Cursor(DuckDBDBApiCursorImpl):
    """dlt's cursor, whose whole result can be had as Arrow with DuckDB 2, too."""

    def iter_arrow(self, chunk_size: int) -> Iterator[pa.Table]:  # type: ignore[override]
        """The result in tables of `chunk_size` rows, or as one where that is 0."""
        # dlt 1.31 asks for fetch_arrow_table, which DuckDB 2 does not have any more
        if chunk_size:
            yield from super().iter_arrow(chunk_size)
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a copy, which dlt cannot avoid
            table: pa.Table = self.native_cursor.to_arrow_table()
        yield table


class SameConnection(DuckDbConnectionPool):
    """Lends the caller's connection itself, where there is one, and no copy of it.

    So a package is a transaction of that connection, which finds its temporary tables there; and
    its settings stay as the caller made them.
    """

    def borrow_conn(self, *arguments: Any, **options: Any) -> DuckDBPyConnection:
        """The caller's connection, or one of dlt's own where there is none."""
        return self.credentials.external_conn() or super().borrow_conn(*arguments, **options)

    def return_conn(self, borrowed_conn: DuckDBPyConnection) -> int:
        """Leaves the caller's connection open."""
        is_of_caller = borrowed_conn is self.credentials.external_conn()
        return 0 if is_of_caller else super().return_conn(borrowed_conn)
