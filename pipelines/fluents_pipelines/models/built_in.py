"""The models of `sql/models`: views and tables in the schema `analytics`, and their checks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import duckdb

from fluents_connector.errors import ModelError
from fluents_connector.settings import Settings
from fluents_pipelines.models import incremental, scope
from fluents_pipelines.models.scope import ANALYTICS
from fluents_pipelines.models.values import with_values
from fluents_pipelines.sql_files import (
    SqlFile,
    column_comments,
    explained,
    in_order,
    read_folder,
    sql_folder,
)
from fluents_pipelines.sql_text import identifier, literal
from fluents_pipelines.tables import ALL_TABLES
from fluents_pipelines.transactions import transaction

OFFENDING_ROWS = 20
_NO_ROWS = {"view": "", "table": "\nlimit 0"}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How many rows a check returns; 0 is a pass. `OFFENDING_ROWS` is the most counted."""

    check: str
    offending_rows: int
    path: Path


def models(settings: Settings | None = None, folder: Path | None = None) -> list[SqlFile]:
    """The models for these settings, or the default ones, each after those it selects from."""
    files = in_order(read_folder(folder or sql_folder() / "models"))
    return [with_values(file, settings or Settings()) for file in files]


def checks() -> list[SqlFile]:
    """The checks, by name: `<model>__<what holds>`, each a query for the rows that break it."""
    return read_folder(sql_folder() / "checks")


def fingerprint(files: list[SqlFile]) -> str:
    """Changes when a model, or a description in the warehouse, does."""
    text = repr([(file.name, file.whole_sql) for file in files]) + repr(ALL_TABLES)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def build(connection: duckdb.DuckDBPyConnection, files: list[SqlFile]) -> None:
    """Makes the views, and the tables with no rows yet, in one transaction.

    All calls are stale then: `refresh` fills the tables.
    """
    incremental.prepare(connection)
    scope.forget(connection)
    kinds = relations(connection)
    with transaction(connection):
        for file in files:
            kind = "table" if file.is_table else "view"
            relation = f"{ANALYTICS}.{identifier(file.name)}"
            try:
                if file.name in kinds:
                    connection.execute(f"drop {kinds[file.name]} {relation}")
                connection.execute(f"create {kind} {relation} as {file.whole_sql}{_NO_ROWS[kind]}")
            except duckdb.Error as error:
                raise ModelError(explained(file, error)) from error
            describe(connection, file, kind)
        incremental.mark_all_stale(connection)


def relations(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What there is in the schema of the models: view or table, by name."""
    return dict(
        connection.execute(
            "select view_name, 'view' from duckdb_views()"
            " where schema_name = ?1 and database_name = current_database()"
            " union all select table_name, 'table' from duckdb_tables()"
            " where schema_name = ?1 and database_name = current_database()",
            [ANALYTICS],
        ).fetchall()
    )


def run_checks(
    connection: duckdb.DuckDBPyConnection, files: list[SqlFile] | None = None
) -> list[CheckResult]:
    """Runs every check, or those given, and counts the rows that it returns."""
    results = []
    for check in checks() if files is None else files:
        try:
            rows = connection.execute(check.sql).fetchmany(OFFENDING_ROWS)
        except duckdb.Error as error:
            raise ModelError(explained(check, error)) from error
        results.append(CheckResult(check.name, len(rows), check.path))
    return results


def describe(connection: duckdb.DuckDBPyConnection, file: SqlFile, kind: str) -> None:
    """Puts the header and the comments above the columns where tools show them."""
    relation = f"{ANALYTICS}.{identifier(file.name)}"
    connection.execute(f"comment on {kind} {relation} is {literal(file.description)}")
    try:
        comments = column_comments(file)
    except ModelError:  # of a custom model: DuckDB understands what sqlglot does not
        comments = {}
    for column, *_ in connection.execute(f"describe {relation}").fetchall():
        if text := comments.get(column, comments.get("")):
            connection.execute(
                f"comment on column {relation}.{identifier(column)} is {literal(text)}"
            )
