"""The models of `sql/models`: views in the schema `analytics`, and the checks of their claims."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import duckdb

from connector.errors import ModelError
from pipelines.sql_files import SqlFile, in_order, read_folder, sql_folder
from pipelines.tables import ALL_TABLES

ANALYTICS = "analytics"
OFFENDING_ROWS = 20


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How many rows break a claim; 0 is a pass. `OFFENDING_ROWS` is the most counted."""

    check: str
    offending_rows: int


def models(folder: Path | None = None) -> list[SqlFile]:
    """The models, each after those that it selects from."""
    return in_order(read_folder(folder or sql_folder() / "models"))


def checks() -> list[SqlFile]:
    """The checks, by name: `<model>__<claim>`, each a query for the rows that break it."""
    return read_folder(sql_folder() / "checks")


def fingerprint(files: list[SqlFile]) -> str:
    """Changes when a model, or a description in the warehouse, does."""
    text = repr([(file.name, file.sql) for file in files]) + repr(ALL_TABLES)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def build(connection: duckdb.DuckDBPyConnection, files: list[SqlFile]) -> None:
    """Makes the views, in one transaction: readers get all of them or the former ones."""
    connection.execute("begin")
    try:
        connection.execute(f"create schema if not exists {ANALYTICS}")
        for file in files:
            try:
                connection.execute(f"create or replace view {ANALYTICS}.{file.name} as {file.sql}")
            except duckdb.Error as error:
                raise ModelError(f"{file.path}: {error}") from error
            _comment(connection, "view", f"{ANALYTICS}.{file.name}", file.description)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def run_checks(connection: duckdb.DuckDBPyConnection) -> list[CheckResult]:
    """Runs every check and counts the rows that it returns."""
    results = []
    for check in checks():
        try:
            rows = connection.execute(check.sql).fetchmany(OFFENDING_ROWS)
        except duckdb.Error as error:
            raise ModelError(f"{check.path}: {error}") from error
        results.append(CheckResult(check.name, len(rows)))
    return results


def _comment(connection: duckdb.DuckDBPyConnection, kind: str, name: str, description: str) -> None:
    text = description.replace("'", "''")
    connection.execute(f"comment on {kind} {name} is '{text}'")
