"""What a refresh of models reads: views and tables of the stale calls of now, and of these only.

They are in a database of their own, in memory, so that nothing of them is ever published. A model's
SQL and that of its steps run as they stand, on what is there under the same names. Steps are made
outside the transaction of the models, which may write to one database only: they select from what
is loaded and from each other, and from no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import duckdb

from fluents_connector.errors import ModelError
from fluents_pipelines.parsed_sql import parsed
from fluents_pipelines.sql_files import SqlFile
from fluents_pipelines.sql_text import identifier
from fluents_pipelines.tables import NORMALIZED, SCHEMA

ANALYTICS = "analytics"
STALE = f"{ANALYTICS}.stale_calls"
SCOPE = "stale"
CALLS_NOW = f"{SCOPE}.calls_now"
STEPS = "steps"

_RELATION = re.compile(rf"\b({SCHEMA}|{ANALYTICS}|{STEPS})\.(\w+)")
_OF_CALLS = {table.name for table in NORMALIZED if "call_id" in table.column_names}


class Scope:
    """The stale calls of now, for these models."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: list[SqlFile]) -> None:
        self._connection = connection
        self._models = {table.name for table in tables}
        self._filled: set[str] = set()
        if not self._is_there(tables):
            self._make(tables)

    def take_some(self, limit: int) -> int:
        """Puts the first `limit` of the stale calls into the scope; returns how many there are."""
        self._connection.execute(
            f"create or replace table {CALLS_NOW} as"  # noqa: S608
            " select stale_calls.call_id, any_value(calls.first_event_at) as first_event_at,"
            " any_value(calls.last_event_at) as last_event_at"
            f" from {STALE} as stale_calls left join {SCHEMA}.calls as calls using (call_id)"
            f" group by stale_calls.call_id order by first_event_at limit {limit}"
        )
        ((count, since, until),) = self._connection.execute(
            f"select count(*), min(first_event_at), max(last_event_at) from {CALLS_NOW}"  # noqa: S608
        ).fetchall()
        self._connection.execute("set variable since = ?::timestamptz", [since])
        self._connection.execute("set variable until = ?::timestamptz", [until])
        return int(count)

    def make_steps(self, tables: Iterable[SqlFile]) -> None:
        """Makes the rows of the steps of these models, and takes those of a failed try away."""
        self.clear()
        for model in tables:
            for step in model.steps:
                if self.insert(f"{SCOPE}.{STEPS}.{identifier(step.name)}", step):
                    self._filled.add(step.name)

    def clear(self) -> None:
        """Takes the rows of the steps away, and gives their memory back."""
        if not self._filled:
            return
        for name in self._filled:
            self._connection.execute(f"truncate {SCOPE}.{STEPS}.{identifier(name)}")
        self._filled.clear()
        self._connection.execute(f"checkpoint {SCOPE}")

    def insert(self, table: str, file: SqlFile) -> int:
        """Puts what a file selects of the stale calls into a table; returns how many rows.

        It is not run where what it says that it `needs` has no rows: to plan the SQL would cost
        more.
        """
        try:
            if not self._has(file.header.get("needs")):
                return 0
            statement = parsed(f"insert into {table} by name {self._of_now(file.sql)}")
            ((rows,),) = self._connection.execute(statement).fetchall()
            return int(rows)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise ModelError(f"{file.path}: {error}") from error

    def _has(self, needs: str | None) -> bool:
        """Whether there is a row of what stands behind a `from`, or nothing is asked for."""
        if needs is None:
            return True
        schema, _, name = needs.partition(".")
        if schema == STEPS and name.isidentifier():
            return name in self._filled
        some = self._of_now(f"select 1 from {needs} limit 1")  # noqa: S608
        return bool(self._connection.execute(some).fetchall())

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
        for name in _OF_CALLS | self._models:
            schema = ANALYTICS if name in self._models else SCHEMA
            relation = f"{identifier(database)}.{schema}.{identifier(name)}"
            # By name, as a column that is added later makes a view of all columns invalid.
            described = execute(f"describe {relation}").fetchall()
            columns = ", ".join(identifier(column) for column, *_ in described)
            # Rows are stored about in the order of receipt, so DuckDB skips what is older or newer.
            is_of_then = (
                ""
                if name in self._models | {"calls"}
                else " and received_at between getvariable('since') and getvariable('until')"
            )
            execute(
                f"create view {SCOPE}.{identifier(name)} as select {columns} from {relation}"  # noqa: S608
                f" where call_id in (select call_id from {CALLS_NOW}){is_of_then}"
            )
        for table in tables:
            for step in table.steps:
                execute(
                    f"create table {SCOPE}.{STEPS}.{identifier(step.name)} as"
                    f" {self._of_now(step.sql)}\nlimit 0"
                )


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Takes the scope away: a model's table, or its SQL, is another one now."""
    connection.execute(f"detach database if exists {SCOPE}")
