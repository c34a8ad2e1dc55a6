"""Queries on the published warehouse, and the formats of their results."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import BinaryIO, TypeVar

import duckdb
import pyarrow as pa

from fluents_connector.errors import QueryError
from fluents_connector.printing import printable
from fluents_pipelines.readers.file_formats import defused, parquet_columns

T = TypeVar("T")
ROWS_AT_ONCE = 10_000
# a text, which stays, or what DuckDB writes, and takes in JSON of others, for a float
_NOT_OF_JSON = re.compile(r'("(?:[^"\\]|\\.)*")|-?\b(?:nan|inf(?:inity)?)\b', re.IGNORECASE)


def write_result(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    format_: str,
    file: BinaryIO,
    *,
    defuse: bool = False,
) -> None:
    """Runs one query and writes its rows to `file` as table, csv, json or parquet.

    table is DuckDB's box on a terminal, which is shortened to what fits there. Elsewhere nothing
    is cut: a line with the columns' names, then a line for each row, with tabs between the values.
    csv and parquet are what DuckDB's `COPY … TO` writes: see
    `fluents_pipelines.readers.file_formats`, also for `defuse`, which is for csv. json is one
    object a line, with null for NaN and infinity, which JSON has not. Raises `QueryError` with
    what DuckDB says of the SQL.
    """
    try:
        if len(connection.extract_statements(sql)) > 1:
            raise QueryError("Give one query at a time.")
        relation = connection.sql(sql)
        if relation is None:
            raise QueryError("That is no query: it returns no rows.")
        if format_ == "table" and file.isatty():
            file.write(f"{relation}\n".encode())
        elif format_ == "table":
            interruptible(connection, lambda: _write_lines(relation, file))
        elif format_ == "json":
            interruptible(connection, lambda: _write_json(relation, file))
        else:
            _write_by_duckdb(connection, relation, format_, file, defuse=defuse)
    except duckdb.InterruptException:  # by Ctrl-C
        raise KeyboardInterrupt from None
    except (duckdb.Error, pa.ArrowException) as error:
        raise QueryError(str(error)) from error


def interruptible(connection: duckdb.DuckDBPyConnection, work: Callable[[], T]) -> T:
    """Runs `work` in a thread, as DuckDB itself may look for Ctrl-C only a minute later."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work)
        try:
            return done.result()
        except BaseException:
            connection.interrupt()
            raise


def _write_lines(relation: duckdb.DuckDBPyRelation, file: BinaryIO) -> None:
    # by DuckDB, as in its box
    numbers = range(1, len(relation.columns) + 1)  # as two columns may have one name
    shown = relation.project(", ".join(f"#{number}::varchar" for number in numbers))
    batches = iter(shown.to_arrow_reader(ROWS_AT_ONCE))
    first = next(batches, None)  # an error or Ctrl-C comes before anything is written
    _write_line(relation.columns, file)
    for batch in chain([first] if first is not None else [], batches):
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            _write_line(["NULL" if value is None else value for value in row], file)


def _write_line(values: Sequence[str], file: BinaryIO) -> None:
    file.write("\t".join(map(printable, values)).encode() + b"\n")


def _write_json(relation: duckdb.DuckDBPyRelation, file: BinaryIO) -> None:
    # by DuckDB, which knows all its types, of the row under a name that no column has
    row = "row_"
    while row in map(str.lower, relation.columns):
        row += "_"
    rows = relation.set_alias(row).project(f"to_json({row}) as {row}")
    for batch in rows.to_arrow_reader(ROWS_AT_ONCE):
        for text in batch.column(0):
            file.write(_NOT_OF_JSON.sub(_text_or_null, text.as_py()).encode() + b"\n")


def _text_or_null(match: re.Match[str]) -> str:
    return match[1] or "null"


def _write_by_duckdb(
    connection: duckdb.DuckDBPyConnection,
    relation: duckdb.DuckDBPyRelation,
    format_: str,
    file: BinaryIO,
    *,
    defuse: bool,
) -> None:
    """Lets DuckDB write into a pipe: it would truncate a file that the shell opened to append."""
    columns, types = relation.columns, relation.types
    end, beginning = os.pipe()

    def write() -> None:
        try:
            if format_ == "parquet":
                held = relation.project(parquet_columns(columns, types))
                held.to_parquet(f"/dev/fd/{beginning}", compression="zstd")
            else:
                shown = relation.project(defused(columns, types)) if defuse else relation
                shown.to_csv(f"/dev/fd/{beginning}", header=True)
        finally:
            os.close(beginning)

    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(write)
        with os.fdopen(end, "rb") as source:
            try:
                shutil.copyfileobj(source, file)
            except BaseException:  # Ctrl-C, a full disk, a reader that went away
                connection.interrupt()
                raise
        written.result()
