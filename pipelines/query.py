"""Queries on the published warehouse, which is opened read-only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from connector.errors import QueryError

ROWS_AT_ONCE = 10_000


@contextmanager
def published(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the published warehouse. Raises `QueryError`."""
    if not path.exists():
        raise QueryError(f"{path} is not there yet. Run `fluents-warehouse load` first.")
    try:
        connection = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise QueryError(f"{path} cannot be opened: {error}") from error
    try:
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
        relation = connection.sql(sql)
        if relation is None:
            raise QueryError("That is no query: it returns no rows.")
        if format_ == "table":
            file.write(f"{relation}\n".encode())
        else:
            _write_batches(relation.to_arrow_reader(ROWS_AT_ONCE), format_, file)
    except (duckdb.Error, pa.ArrowException) as error:
        raise QueryError(str(error)) from error


def _write_batches(reader: pa.RecordBatchReader, format_: str, file: BinaryIO) -> None:
    if format_ == "parquet":
        with pyarrow.parquet.ParquetWriter(file, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
    elif format_ == "csv":
        with pyarrow.csv.CSVWriter(file, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
    else:
        for batch in reader:
            for row in batch.to_pylist():
                file.write(json.dumps(row, default=str, ensure_ascii=False).encode() + b"\n")
