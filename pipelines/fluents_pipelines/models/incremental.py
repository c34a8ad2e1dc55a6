"""Models that are tables: with a load, the rows of the calls that it touches are refreshed.

To refresh is to replace the rows of a call by what the model's SQL gives for it now. A batch does
so in its own transaction (`follow`), so whoever sees an event of a call sees its models. What
changes otherwise, or is too much for that transaction, has its calls marked stale in the
transaction that changes them, in `analytics.stale_calls`; another one refreshes them and takes them
off the list. So a kill at any point leaves no row behind that is old and not on the list. A model's
SQL runs as it stands, but on views of its tables that show some calls only (`scope`): so the cost
of a refresh follows the new work and not the history.
"""

from __future__ import annotations

from contextlib import suppress

import duckdb
import pyarrow as pa
import structlog

from fluents_connector.errors import ModelError
from fluents_pipelines.memory import is_too_much, room_for_one
from fluents_pipelines.models.scope import ANALYTICS, CALLS_NOW, STALE, Scope, is_of_then
from fluents_pipelines.sql_files import SqlFile
from fluents_pipelines.sql_text import identifier, literal
from fluents_pipelines.tables import SCHEMA
from fluents_pipelines.transactions import transaction

NOT_COMPUTED = f"{ANALYTICS}.calls_not_computed"
CALLS_AT_ONCE = 5_000  # so that memory has a limit, whatever waits

log = structlog.get_logger(__name__)

_LISTS = {
    STALE: (
        "Calls whose rows in the models wait to be made again.",
        {"call_id": "The call, as Fluents names it."},
    ),
    NOT_COMPUTED: (
        "Calls that are too large for a model: its figures of them are NULL or missing.",
        {"call_id": "The call, as Fluents names it.", "model": "The model, by its name."},
    ),
}
"""Tables of texts that this module keeps: what they are, and their columns."""


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the lists of stale calls and of those not computed if they are not there."""
    there = {
        f"{ANALYTICS}.{name}"
        for (name,) in connection.execute(
            "select table_name from duckdb_tables()"
            " where schema_name = ? and database_name = current_database()",
            [ANALYTICS],
        ).fetchall()
    }
    for table, (comment, columns) in _LISTS.items():
        if table in there:
            continue
        connection.execute(f"create schema if not exists {ANALYTICS}")
        names = ", ".join(f"{identifier(name)} varchar" for name in columns)
        connection.execute(f"create table {table} ({names})")
        connection.execute(f"comment on table {table} is {literal(comment)}")
        for name, text in columns.items():
            connection.execute(f"comment on column {table}.{identifier(name)} is {literal(text)}")


def mark_stale(connection: duckdb.DuckDBPyConnection, calls: pa.Table) -> None:
    """Marks calls, by their `call_id`, whose rows in the models are not those of their events."""
    connection.register("changing", calls)
    try:
        connection.execute(f"insert into {STALE} select call_id from changing")  # noqa: S608
    finally:
        with suppress(duckdb.Error):  # of a transaction that failed, which takes it away, too
            connection.unregister("changing")


def mark_all_stale(connection: duckdb.DuckDBPyConnection) -> None:
    """Marks every call: for tables that are new, or whose SQL is."""
    connection.execute(f"insert into {STALE} select call_id from {SCHEMA}.calls")  # noqa: S608


def follow(
    connection: duckdb.DuckDBPyConnection,
    models: list[SqlFile],
    calls: pa.Table,
    calls_at_once: int = CALLS_AT_ONCE,
) -> None:
    """Refreshes calls in the transaction that is open, which changed them. Raises `ModelError`.

    `calls` has their `call_id`, and `first_event_at` and `last_event_at`, between which each of
    them is, before the change and after it: their rows are looked for only there.
    """
    tables = [model for model in models if model.is_table]
    try:
        scope = Scope(connection, tables)
        for start in range(0, calls.num_rows, calls_at_once):
            scope.take(calls.slice(start, calls_at_once))
            _replace_all(connection, scope, tables)
            scope.clear()
    except duckdb.Error as error:
        raise ModelError(
            f"The models of {calls.num_rows:,} calls were not made: {error}"
        ) from error


def refresh(
    connection: duckdb.DuckDBPyConnection,
    models: list[SqlFile],
    calls_at_once: int = CALLS_AT_ONCE,
) -> None:
    """Refreshes all stale calls. Raises `ModelError`, and the calls stay stale.

    A call that needs more memory than the SQL may have gets `memory.FOR_ONE` for itself. Where
    that is too little for a table, its row there says only what `calls` says, the rest is NULL,
    and `calls_not_computed` names call and table.
    """
    tables = [model for model in models if model.is_table]
    while connection.execute(f"select 1 from {STALE} limit 1").fetchall():  # noqa: S608
        scope = Scope(connection, tables)
        try:
            with transaction(connection):
                scope.take_stale(calls_at_once)
                _replace_all(connection, scope, tables)
                _delete_of_now(connection, STALE)
                scope.clear()
        except duckdb.Error as error:
            if not is_too_much(error):
                raise
            if calls_at_once > 1:
                calls_at_once //= 2
                continue
            with room_for_one(connection):
                _refresh_what_fits(connection, scope, tables)


def _refresh_what_fits(
    connection: duckdb.DuckDBPyConnection, scope: Scope, tables: list[SqlFile]
) -> None:
    """Refreshes a single call; the tables that it is too large for get the bare row."""
    too_large: list[str] = []
    while True:
        model = tables[0]
        try:
            with transaction(connection):
                scope.take_stale(1)
                ((call_id,),) = connection.execute(f"select call_id from {CALLS_NOW}").fetchall()  # noqa: S608
                _delete_of_now(connection, NOT_COMPUTED)
                for model in tables:
                    if model.name in too_large:
                        scope.compute_bare(model)
                        connection.execute(
                            f"insert into {NOT_COMPUTED} values (?, ?)",  # noqa: S608
                            [call_id, model.name],
                        )
                    else:
                        scope.compute(model)
                    _replace(connection, scope, model)
                _delete_of_now(connection, STALE)
                scope.clear()
            return
        except duckdb.Error as error:
            if not is_too_much(error) or model.name in too_large:
                raise
            log.error("call_not_computed", call_id=call_id, model=model.name)
            too_large.append(model.name)


def _replace_all(
    connection: duckdb.DuckDBPyConnection, scope: Scope, tables: list[SqlFile]
) -> None:
    for model in tables:
        scope.compute(model)
        _replace(connection, scope, model)
    _delete_of_now(connection, NOT_COMPUTED)


def _replace(connection: duckdb.DuckDBPyConnection, scope: Scope, model: SqlFile) -> None:
    """Puts the rows that were computed in the place of those that a model's table has."""
    table = f"{ANALYTICS}.{identifier(model.name)}"
    time = model.header.get("time")
    _delete_of_now(connection, table, time if scope.has_bounds else None)
    if rows := scope.rows_of(model):
        connection.execute(f"insert into {table} by name from {rows}")


def _delete_of_now(
    connection: duckdb.DuckDBPyConnection, table: str, time: str | None = None
) -> None:
    """Deletes the rows of the calls of now; only of their time, if that is a column."""
    of_then = f" and {is_of_then(time)}" if time else ""
    connection.execute(
        f"delete from {table} where call_id in (select call_id from {CALLS_NOW}){of_then}"  # noqa: S608
    )
