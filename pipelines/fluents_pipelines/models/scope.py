"""What a refresh of models works in: views and tables of the stale calls of now, and of these only.

They are in a database of their own, in memory, so that nothing of them is ever published. A model's
SQL and that of its steps run as they stand, on what is there under the same names: views of what is
loaded, and tables with the rows that other steps and models gave. All of these are made before the
transaction of the models, which may write to one database only.
"""

from __future__ import annotations

import re

import duckdb

from fluents_connector.errors import ModelError
from fluents_pipelines.parsed_sql import parsed
from fluents_pipelines.sql_files import SqlFile
from fluents_pipelines.sql_text import identifier
from fluents_pipelines.tables import CALLS, NORMALIZED, SCHEMA

ANALYTICS = "analytics"
STALE = f"{ANALYTICS}.stale_calls"
SCOPE = "stale"
CALLS_NOW = f"{SCOPE}.calls_now"
STEPS = "steps"
BOUNDS = "temp.bounds_of_stale_calls"

_RELATION = re.compile(rf"\b({SCHEMA}|{ANALYTICS}|{STEPS})\.(\w+)")
_OF_CALLS = {table.name for table in NORMALIZED if "call_id" in table.column_names}


class Scope:
    """The stale calls of now, for these models."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: list[SqlFile]) -> None:
        self._connection = connection
        self._models = {table.name for table in tables}
        self._filled: set[str] = set()
        self.has_bounds = False
        """Whether the calls were, and are, between the variables `since` and `until`."""
        if not self._is_there(tables):
            self._make(tables)

    def take_some(self, limit: int) -> int:
        """Puts the first `limit` of the stale calls into the scope; returns how many there are."""
        execute = self._connection.execute
        make_bounds(self._connection)
        # by number, as a call may have been marked with bounds and without
        ((self.has_bounds,),) = execute(
            f"select (select count(*) from {STALE}) = (select count(*) from {BOUNDS})"  # noqa: S608
        ).fetchall()
        of_warehouse = f"{STALE} left join {SCHEMA}.calls using (call_id)"
        execute(
            f"create or replace table {CALLS_NOW} as"  # noqa: S608
            " select call_id, min(first_event_at) as first_event_at,"
            " max(last_event_at) as last_event_at"
            f" from {BOUNDS if self.has_bounds else of_warehouse}"
            f" group by call_id order by first_event_at limit {limit}"
        )
        ((count, since, until),) = execute(
            f"select count(*), min(first_event_at), max(last_event_at) from {CALLS_NOW}"  # noqa: S608
        ).fetchall()
        execute("set variable since = ?::timestamptz", [since])
        execute("set variable until = ?::timestamptz", [until])
        return int(count)

    def compute(self, model: SqlFile) -> None:
        """Makes the rows of a model, and those of its steps."""
        for step in model.steps:
            self._fill(f"{STEPS}.{identifier(step.name)}", step)
        self._fill(identifier(model.name), model)

    def compute_bare(self, model: SqlFile) -> None:
        """Makes a row a call that says what `calls` says, where the model has a row a call."""
        table = identifier(model.name)
        self._empty(table)
        if model.header["key"] != "call_id":
            return
        shared = self._connection.execute(
            "select column_name from duckdb_columns()"
            " where database_name = ?1 and schema_name = 'main' and table_name = ?2"
            " and column_name in (select column_name from duckdb_columns()"
            "  where database_name = ?1 and table_name = 'calls')",
            [SCOPE, model.name],
        ).fetchall()
        columns = ", ".join(identifier(name) for (name,) in shared)
        self._filled.add(table)
        self._connection.execute(
            f"insert into {SCOPE}.{table} by name select {columns} from {SCOPE}.calls"  # noqa: S608
        )

    def rows_of(self, model: SqlFile) -> str | None:
        """The table with the rows that were computed for a model; None if there is none."""
        table = identifier(model.name)
        return f"{SCOPE}.{table}" if table in self._filled else None

    def clear(self) -> None:
        """Takes all rows of models and steps away, and gives their memory back."""
        if not self._filled:
            return
        for table in self._filled:
            self._connection.execute(f"truncate {SCOPE}.{table}")
        self._filled.clear()
        self._connection.execute(f"checkpoint {SCOPE}")

    def _fill(self, table: str, file: SqlFile) -> None:
        """Puts what a file selects of the stale calls into a table, and nothing else.

        It is not run where what it says that it `needs` has no rows: to plan the SQL would cost
        more.
        """
        try:
            self._empty(table)
            if not self._has(file.header.get("needs")):
                return
            self._filled.add(table)
            statement = parsed(f"insert into {SCOPE}.{table} by name {self._of_now(file.sql)}")
            ((rows,),) = self._connection.execute(statement).fetchall()
            if not rows:
                self._filled.discard(table)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise ModelError(f"{file.path}: {error}") from error

    def _empty(self, table: str) -> None:
        if table in self._filled:  # by a try that failed
            self._connection.execute(f"truncate {SCOPE}.{table}")
            self._filled.remove(table)

    def _has(self, needs: str | None) -> bool:
        """Whether there is a row of what stands behind a `from`, or nothing is asked for."""
        if needs is None:
            return True
        some = self._of_now(f"select 1 from {needs} limit 1")  # noqa: S608
        return bool(self._connection.execute(parsed(some)).fetchall())

    def _of_now(self, sql: str) -> str:
        """SQL that reads the scope in place of the warehouse."""

        def replaced(found: re.Match[str]) -> str:
            schema, name = found.groups()
            if schema == STEPS:
                return f"{SCOPE}.{STEPS}.{name}"
            return f"{SCOPE}.{name}" if name in _OF_CALLS | self._models else found[0]

        return _RELATION.sub(replaced, sql)

    def _is_there(self, tables: list[SqlFile]) -> bool:
        """Whether an earlier refresh has made it: to make it anew costs as much as a small one."""
        found = self._connection.execute(
            "select view_name from duckdb_views() where database_name = ?1"
            " union all select table_name from duckdb_tables() where database_name = ?1",
            [SCOPE],
        ).fetchall()
        steps = {step.name for table in tables for step in table.steps}
        return {name for (name,) in found} >= _OF_CALLS | self._models | steps

    def _make(self, tables: list[SqlFile]) -> None:
        execute = self._connection.execute
        forget(self._connection)
        execute(f"attach ':memory:' as {SCOPE}")
        execute(f"create schema {SCOPE}.{STEPS}")
        execute(
            f"create table {CALLS_NOW} as select call_id, first_event_at, last_event_at"  # noqa: S608
            f" from {SCHEMA}.calls limit 0"
        )
        ((database,),) = execute("select current_database()").fetchall()
        for name in _OF_CALLS:
            relation = f"{identifier(database)}.{SCHEMA}.{identifier(name)}"
            # By name, as a column that is added later makes a view of all columns invalid.
            described = execute(f"describe {relation}").fetchall()
            columns = ", ".join(identifier(column) for column, *_ in described)
            time = "first_event_at" if name == CALLS.name else "received_at"
            execute(
                f"create view {SCOPE}.{identifier(name)} as select {columns} from {relation}"  # noqa: S608
                f" where call_id in (select call_id from {CALLS_NOW}) and {is_of_then(time)}"
            )
        for table in tables:
            execute(
                f"create table {SCOPE}.{identifier(table.name)} as"
                f" from {identifier(database)}.{ANALYTICS}.{identifier(table.name)} limit 0"
            )
            for step in table.steps:
                execute(
                    f"create table {SCOPE}.{STEPS}.{identifier(step.name)} as"
                    f" {self._of_now(step.sql)}\nlimit 0"
                )


def make_bounds(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the table of the times between which stale calls were and are, with those known."""
    connection.execute(
        f"create temp table if not exists {BOUNDS}"
        " (call_id varchar, first_event_at timestamptz, last_event_at timestamptz)"
    )


def is_of_then(column: str) -> str:
    """SQL for the time of the stale calls of now.

    Rows are stored about in the order of receipt, so DuckDB skips what is older or newer.
    """
    between = f"{column} between getvariable('since') and getvariable('until')"
    return f"({between} or getvariable('since') is null)"


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Takes the scope away: a model's table, or its SQL, is another one now."""
    connection.execute(f"detach database if exists {SCOPE}")
