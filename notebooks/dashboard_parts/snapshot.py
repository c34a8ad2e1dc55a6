"""Asks the published warehouse, with the queries of the folder `sql` beside this package.

The file is replaced by rename at each load. A snapshot keeps the one that it opened, so that all
figures of a page belong together; a new snapshot sees the new one. It is attached to an engine of
its own, because DuckDB would hand out an engine that is still open under the same path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

Row = dict[str, Any]
SQL = Path(__file__).parents[1] / "sql"


class NoWarehouse(Exception):
    """The published file is not there, or cannot be read; the text is for the visitor."""


class Snapshot:
    """The published warehouse as it was when this was made, read-only."""

    def __init__(self, path: Path) -> None:
        """Raises `NoWarehouse`."""
        if not path.exists():
            raise NoWarehouse(
                f"{path} is not there yet. Run `fluents-warehouse load`, then refresh."
            )
        self._connection = duckdb.connect(":memory:", config={"python_enable_replacements": False})
        quoted = str(path).replace("'", "''")
        try:
            self._connection.execute(f"attach '{quoted}' as warehouse (read_only)")
            self._connection.execute("use warehouse")
            self._connection.execute("set timezone = 'UTC'")
            self._connection.execute((SQL / "macros.sql").read_text(encoding="utf-8"))
            self._connection.execute("set enable_external_access = false")
            self._connection.execute("from analytics.call_summary limit 0")
        except duckdb.Error as error:
            self._connection.close()
            raise NoWarehouse(
                f"{path} cannot be read as a warehouse of calls: {error}. "
                "Run `fluents-warehouse load`, then refresh."
            ) from error

    def rows(self, query: str, **parameters: Any) -> list[Row]:
        """The rows of `sql/<query>.sql`; it takes from `parameters` what it names."""
        sql = (SQL / f"{query}.sql").read_text(encoding="utf-8")
        (statement,) = self._connection.extract_statements(sql)
        named = {name: parameters[name] for name in statement.named_parameters}
        result = self._connection.execute(statement, named)
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def row(self, query: str, **parameters: Any) -> Row:
        """The only row of a query."""
        (found,) = self.rows(query, **parameters)
        return found
