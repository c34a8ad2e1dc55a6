"""Everything that a warehouse says, for comparing two of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from fluents_pipelines.tables import NORMALIZED


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables but `loads`, sorted, without dlt's own columns."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return {
            table.name: connection.execute(
                f"select {', '.join(column.name for column in table.columns)}"
                f" from fluents.{table.name} order by all"
            ).fetchall()
            for table in NORMALIZED
        }
