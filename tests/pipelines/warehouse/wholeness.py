"""What a kill leaves of a loader's file: all of each batch with its models, or nothing of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb

from fluents_pipelines.models import built_in
from fluents_pipelines.tables import ALL_TABLES, LOADS

Rows = dict[str, list[tuple[Any, ...]]]


def as_left(file: Path, folder: Path) -> Path:
    """A copy of a loader's file, with its log where it has one, as a kill left it."""
    folder.mkdir()
    for path in (file, file.with_name(f"{file.name}.wal")):
        if path.exists():
            shutil.copy(path, folder)
    return folder / file.name


def halves(file: Path) -> list[str]:
    """What is there without what belongs to it, a line each. Opens the file to write."""
    found = []
    with duckdb.connect(str(file)) as connection:
        there = {name for (name,) in connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables()").fetchall()}  # fmt: skip
        if "fluents.loads" not in there:
            return []
        for table in ALL_TABLES:
            load_id = "load_id" if table is LOADS else "_dlt_load_id"
            for other in ("_dlt_loads where status = 0", "loads"):
                found += [
                    f"{table.name} has rows of load {row[0]}, which is not in {other}"
                    for row in connection.execute(
                        f"select distinct {load_id} from fluents.{table.name} where {load_id}"
                        f" not in (select load_id from fluents.{other})"
                    ).fetchall()
                ]
        recorded = connection.execute(
            "select load_id from fluents._dlt_loads anti join fluents.loads using (load_id)"
        ).fetchall()
        found += [f"_dlt_loads has {load_id}, and loads has not" for (load_id,) in recorded]
        if connection.execute("from fluents._dlt_loads").fetchall():
            for name in ("_dlt_version", "_dlt_pipeline_state"):
                if not connection.execute(f"from fluents.{name}").fetchall():
                    found.append(f"{name} has nothing of a load that is there")
            found += _models(connection, there)
        elif connection.execute("from fluents._dlt_version").fetchall():
            found.append("_dlt_version has a row of no load")
    return found


def _models(connection: duckdb.DuckDBPyConnection, there: set[str]) -> list[str]:
    found = []
    for model in built_in.models():
        if not model.is_table:
            continue
        if f"analytics.{model.name}" not in there:
            found.append(f"{model.name} is not there")
            continue
        table, whole = f"(from analytics.{model.name})", f"({model.whole_sql})"
        for lacking, one, other in (("lacks", whole, table), ("has too many", table, whole)):
            rows = connection.execute(f"from {one} except all from {other}").fetchall()
            found += [f"{model.name} {lacking}: {row}" for row in rows]
    marked = connection.execute("from analytics.stale_calls").fetchall()
    return found + [f"{call_id} is stale" for (call_id,) in marked]


def rows_of(file: Path) -> Rows:
    """All rows of the loaded tables and the models' tables, without dlt's own columns."""
    columns = {
        f"fluents.{table.name}": ", ".join(table.column_names)
        for table in ALL_TABLES
        if table is not LOADS
    } | {f"analytics.{model.name}": "*" for model in built_in.models() if model.is_table}
    with duckdb.connect(str(file), read_only=True) as connection:
        return {
            name: connection.execute(f"select {chosen} from {name} order by all").fetchall()
            for name, chosen in columns.items()
        }
