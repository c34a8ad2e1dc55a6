"""The published warehouse as files, for tools that read those: one for each table and model.

    FOLDER/fluents/calls.parquet
    FOLDER/analytics/call_summary.parquet

All are of one snapshot. Each is written under another name and renamed once it is whole, so that
nobody reads half a file; while an export runs, some are of the one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from fluents_connector.errors import ExportFailed
from fluents_connector.files import written_whole
from fluents_connector.locking import only_one
from fluents_pipelines.models.scope import ANALYTICS
from fluents_pipelines.readers.file_formats import defused, parquet_columns
from fluents_pipelines.sql_text import identifier, literal
from fluents_pipelines.tables import SCHEMA

Format = Literal["parquet", "csv"]

MARK = ".made-by-export"  # names the files that exports made, a path a line
_OPTIONS: dict[Format, str] = {
    "parquet": "format parquet, compression zstd",
    "csv": "format csv, header",
}
# what dlt and the loader keep for themselves; _dlt_loads says when a row was loaded
_OF_THE_LOADER = [
    "_dlt_version",
    "_dlt_pipeline_state",
    "_properties",
    "stale_calls",
    "calls_not_computed",
]


@dataclass(frozen=True, slots=True)
class Exported:
    """One file that was written, relative to the folder, and how many rows it has."""

    path: str
    rows: int


def export(
    connection: duckdb.DuckDBPyConnection, folder: Path, format_: Format, *, defuse: bool = False
) -> Iterator[tuple[Exported, int]]:
    """Writes the files, and says of each, once it is there, how many there will be in all.

    They are what DuckDB's `COPY … TO` writes: see `fluents_pipelines.readers.file_formats`, also
    for `defuse`, which is for csv. Overwrites and deletes only what an earlier export wrote. Raises
    `ExportFailed`; if only some models cannot be read, when all others are written.
    """
    relations = connection.execute(
        "select schema_name, table_name from duckdb_tables()"
        " where schema_name in (?1, ?2) and not list_contains(?3, table_name)"
        " and database_name = current_database()"
        " union all select schema_name, view_name from duckdb_views()"
        " where schema_name in (?1, ?2) and database_name = current_database()"
        " order by schema_name desc, table_name",
        [SCHEMA, ANALYTICS, _OF_THE_LOADER],
    ).fetchall()
    files = {f"{schema}/{name}.{format_}": (schema, name) for schema, name in relations}
    try:
        taken = ExportFailed(f"Another export is writing to {folder}. Wait for it.")
        with only_one(folder / f"{MARK}.lock", taken):
            exported = _made_before(folder)
            for path in files.keys() - exported:
                if (folder / path).exists():
                    raise ExportFailed(
                        f"{folder / path} is there, and no export wrote it. Name another folder."
                    )
            _note(folder, exported | files.keys())  # first, for whoever goes on after a kill
            failed = []
            for path, (schema, name) in files.items():
                try:
                    rows = _write(connection, schema, name, folder / path, defuse=defuse)
                except duckdb.Error as error:
                    if schema == SCHEMA:
                        raise
                    failed.append(f"{schema}.{name}: {error}")  # one that reads what is gone
                    continue
                yield Exported(path, rows), len(files)
            gone = {path for path in exported - files.keys() if path.endswith(f".{format_}")}
            for path in gone:
                (folder / path).unlink(missing_ok=True)
            _note(folder, (exported | files.keys()) - gone)
            if failed:
                raise ExportFailed(
                    "The export lacks these models, and has all others: " + "; ".join(failed)
                )
    except (OSError, duckdb.Error) as error:
        raise ExportFailed(
            f"The export to {folder} stopped: {error}. Each file there is whole, but some may be "
            "of an earlier export."
        ) from error


def _write(
    connection: duckdb.DuckDBPyConnection, schema: str, name: str, target: Path, *, defuse: bool
) -> int:
    """Writes one file; returns its rows."""
    target.parent.mkdir(exist_ok=True)
    relation = f"{schema}.{identifier(name)}"
    columns = "*"
    read = connection.sql(f"from {relation}")
    if target.suffix == ".parquet":
        columns = parquet_columns(read.columns, read.types)
    elif defuse:
        columns = defused(read.columns, read.types)
    options = _OPTIONS["csv" if target.suffix == ".csv" else "parquet"]
    with written_whole(target, _partial(target), durable=True) as partial:
        ((rows,),) = connection.execute(
            f"copy (select {columns} from {relation})"  # noqa: S608 # names from the catalog
            f" to {literal(str(partial))} ({options}, use_tmp_file false)"
        ).fetchall()
    return int(rows)


def _partial(target: Path) -> Path:
    # hidden, as a tool may read all files of the folder
    return target.with_name(f".{target.name}.partial")


def _made_before(folder: Path) -> set[str]:
    try:
        return set((folder / MARK).read_text(encoding="utf-8").splitlines())
    except FileNotFoundError:
        return set()


def _note(folder: Path, paths: set[str]) -> None:
    with written_whole(folder / MARK, _partial(folder / MARK), durable=True) as partial:
        partial.write_text("".join(f"{path}\n" for path in sorted(paths)), encoding="utf-8")
