"""Queries on the published warehouse, which is opened read-only. Times are shown in UTC."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.parquet

from connector.errors import QueryError

ROWS_AT_ONCE = 10_000


@contextmanager
def published(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the published warehouse. Raises `QueryError`."""
    if not path.exists():
        raise QueryError(f"{path} is not there yet. Run `fluents-warehouse load` first.")
    try:
        connection = duckdb.connect(
            str(path), read_only=True, config={"python_enable_replacements": False}
        )
    except duckdb.Error as error:
        raise QueryError(f"{path} cannot be opened: {error}") from error
    try:
        connection.execute("set timezone = 'UTC'")
        yield connection
    finally:
        connection.close()


def write_result(
    connection: duckdb.DuckDBPyConnection, sql: str, format_: str, file: BinaryIO
) -> None:
    """Runs one query and writes its rows to `file` as table, csv, json or parquet.

    json is one object a line. Raises `QueryError` with what DuckDB says of the SQL.
    """
    try:
        if len(connection.extract_statements(sql)) > 1:
            raise QueryError("Give one query at a time.")
        relation = connection.sql(sql)
        if relation is None:
            raise QueryError("That is no query: it returns no rows.")
        if format_ == "table":
            file.write(f"{relation}\n".encode())
        else:
            _WRITERS[format_](relation, file)
    except (duckdb.Error, pa.ArrowException) as error:
        raise QueryError(str(error)) from error


def _write_json(relation: duckdb.DuckDBPyRelation, file: BinaryIO) -> None:
    # by DuckDB, which knows all its types; a NaN is no JSON, but DuckDB writes it
    rows = relation.set_alias("result").project("to_json(result) as row")
    for batch in rows.to_arrow_reader(ROWS_AT_ONCE):
        for row in batch.column("row"):
            file.write(row.as_py().encode() + b"\n")


def _write_csv(relation: duckdb.DuckDBPyRelation, file: BinaryIO) -> None:
    # as text, as DuckDB shows it: Arrow's CSV has no lists and no intervals, and quotes numbers
    reader = relation.project("columns(*)::varchar").to_arrow_reader(ROWS_AT_ONCE)
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(relation.columns)
    for batch in reader:
        writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))
    text.detach()


def _write_parquet(relation: duckdb.DuckDBPyRelation, file: BinaryIO) -> None:
    reader = relation.to_arrow_reader(ROWS_AT_ONCE)
    with pyarrow.parquet.ParquetWriter(file, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)


_Writer = Callable[[duckdb.DuckDBPyRelation, BinaryIO], None]
_WRITERS: dict[str, _Writer] = {"csv": _write_csv, "json": _write_json, "parquet": _write_parquet}
