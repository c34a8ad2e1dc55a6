"""What a refresh of models works in: views and tables of the calls of now, and of these only.

They are temporary ones of the loader's connection, so that nothing of them is ever published, and
so that one transaction can load events, compute models of them here, and write these to the
warehouse: it may write to temporary tables beside one database. A model's SQL and that of its steps
run as they stand, on what is there under the same names: views of what is loaded, and tables with
the rows that other steps and models gave. A table has rows only within a transaction.

On that connection a name without its schema is that of the scope. So what is not ours is run on a
cursor of it, which has none of these.
"""

from __future__ import annotations

import re
from contextlib import suppress

import duckdb
import pyarrow as pa

from fluents_connector.errors import ModelError
from fluents_pipelines.parsed_sql import parsed
from fluents_pipelines.sql_files import SqlFile
from fluents_pipelines.sql_text import identifier
from fluents_pipelines.tables import CALLS, NORMALIZED, SCHEMA

ANALYTICS = "analytics"
STALE = f"{ANALYTICS}.stale_calls"
STEPS = "steps"

_DATABASE = "temp"
SCOPE = f"{_DATABASE}.main"  # both, as DuckDB 1.5 needs both to make a view
CALLS_NOW = f"{SCOPE}.calls_now"

_RELATION = re.compile(rf"\b({SCHEMA}|{ANALYTICS}|{STEPS})\.(\w+)")
_OF_CALLS = {table.name for table in NORMALIZED if "call_id" in table.column_names}


class Scope:
    """The calls of now, for these models. All but to make it is within a transaction."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: list[SqlFile]) -> None:
        self._connection = connection
        self._models = {table.name for table in tables}
        self._filled: set[str] = set()
        self.has_bounds = False
        """Whether the calls were, and are, between the variables `since` and `until`."""
        if not self._is_there(tables):
            self._make(tables)

    def take(self, calls: pa.Table) -> None:
        """Puts calls into the scope that are, and were, between their first and last event."""
        self._connection.register("taken", calls)
        try:
            self._take("from taken")
        finally:
            with suppress(duckdb.Error):  # of a transaction that failed, which takes it away, too
                self._connection.unregister("taken")
        self.has_bounds = True

    def take_stale(self, limit: int) -> int:
        """Puts the first `limit` of the stale calls into the scope; returns how many there are."""
        self.has_bounds = False
        return self._take(
            "select call_id, min(first_event_at) as first_event_at,"  # noqa: S608
            f" max(last_event_at) as last_event_at from {STALE} left join {SCHEMA}.calls"
            f" using (call_id) group by call_id order by first_event_at limit {limit}"
        )

    def _take(self, calls: str) -> int:
        self._filled.clear()
        execute = self._connection.execute
        execute(f"insert into {CALLS_NOW} by name {calls}")
        ((count, since, until),) = execute(
            f"select count(*), min(first_event_at), max(last_event_at) from {CALLS_NOW}"  # noqa: S608
        ).fetchall()
        execute("set variable since = ?::timestamptz", [since])
        execute("set variable until = ?::timestamptz", [until])
        return int(count)

    def compute(self, model: SqlFile) -> None:
        """Makes the rows of a model, and those of its steps."""
        for step in model.steps:
            self._fill(_now(step.name), step)
        self._fill(_now(model.name), model)

    def compute_bare(self, model: SqlFile) -> None:
        """Makes a row a call that says what `calls` says, where the model has a row a call."""
        if model.header["key"] != "call_id":
            return
        shared = self._connection.execute(
            "select column_name from duckdb_columns()"
            " where database_name = ?1 and table_name = ?2 and column_name in ("
            "  select column_name from duckdb_columns()"
            "  where database_name = ?1 and table_name = ?3)",
            [_DATABASE, model.name, CALLS.name],
        ).fetchall()
        columns = ", ".join(identifier(name) for (name,) in shared)
        self._filled.add(_now(model.name))
        self._connection.execute(
            f"insert into {_now(model.name)} by name"  # noqa: S608
            f" select {columns} from {_now(CALLS.name)}"
        )

    def rows_of(self, model: SqlFile) -> str | None:
        """The table with the rows that were computed for a model; None if there is none."""
        return _now(model.name) if _now(model.name) in self._filled else None

    def clear(self) -> None:
        """Takes the calls away, and all rows of models and steps."""
        for table in (CALLS_NOW, *self._filled):
            self._connection.execute(f"truncate {table}")
        self._filled.clear()

    def _fill(self, table: str, file: SqlFile) -> None:
        """Puts what a file selects of the calls of now into a table, and nothing else.

        It is not run where what it says that it `needs` has no rows: to plan the SQL would cost
        more.
        """
        try:
            if not self._has(file.header.get("needs")):
                return
            statement = parsed(f"insert into {table} by name {self._of_now(file.sql)}")
            ((rows,),) = self._connection.execute(statement).fetchall()
            if rows:
                self._filled.add(table)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise ModelError(f"{file.path}: {error}") from error

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
            is_here = schema == STEPS or name in _OF_CALLS | self._models
            return f"{SCOPE}.{name}" if is_here else found[0]

        return _RELATION.sub(replaced, sql)

    def _is_there(self, tables: list[SqlFile]) -> bool:
        """Whether an earlier refresh has made it: to make it anew costs as much as a small one."""
        steps = {step.name for table in tables for step in table.steps}
        return _relations(self._connection).keys() >= _OF_CALLS | self._models | steps

    def _make(self, tables: list[SqlFile]) -> None:
        execute = self._connection.execute
        forget(self._connection)
        execute(
            f"create temp table {CALLS_NOW} as select call_id, first_event_at, last_event_at"  # noqa: S608
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
                f"create temp view {_now(name)} as select {columns} from {relation}"  # noqa: S608
                f" where call_id in (select call_id from {CALLS_NOW}) and {is_of_then(time)}"
            )
        for table in tables:
            execute(
                f"create temp table {_now(table.name)} as"
                f" from {identifier(database)}.{ANALYTICS}.{identifier(table.name)} limit 0"
            )
            for step in table.steps:
                execute(f"create temp table {_now(step.name)} as {self._of_now(step.sql)}\nlimit 0")


def _now(name: str) -> str:
    return f"{SCOPE}.{identifier(name)}"


def is_of_then(column: str) -> str:
    """SQL for the time of the calls of now.

    Rows are stored about in the order of receipt, so DuckDB skips what is older or newer.
    """
    between = f"{column} between getvariable('since') and getvariable('until')"
    return f"({between} or getvariable('since') is null)"


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Takes the scope away: a model's table, or its SQL, is another one now."""
    for name, kind in _relations(connection).items():
        connection.execute(f"drop {kind} {_now(name)}")


def _relations(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What there is in the scope: view or table, by name."""
    return dict(
        connection.execute(
            "select view_name, 'view' from duckdb_views() where database_name = ?1 and not internal"
            " union all select table_name, 'table' from duckdb_tables() where database_name = ?1",
            [_DATABASE],
        ).fetchall()
    )
