"""Models that are tables: after a load, the rows of the calls that it touched are refreshed.

To refresh is to replace the rows of a call by what the model's SQL gives for it now. The calls are
marked stale, in `analytics.stale_calls`, before their events are loaded, and taken off the list in
the transaction that refreshes them, so a kill at any point leaves none behind. A model's SQL
runs as it stands, but on views of its tables that show the stale calls only (`scope`): so the cost
of a refresh follows the new work and not the history.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa
import structlog

from fluents_pipelines.memory import is_too_much, room_for_one
from fluents_pipelines.models.scope import ANALYTICS, CALLS_NOW, SCOPE, STALE, Scope
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


def mark_stale(connection: duckdb.DuckDBPyConnection, call_ids: pa.Table) -> None:
    """Marks calls (one column `call_id`) of which something is about to change."""
    connection.register("changing", call_ids)
    try:
        connection.execute(f"insert into {STALE} select call_id from changing")  # noqa: S608
    finally:
        connection.unregister("changing")


def mark_all_stale(connection: duckdb.DuckDBPyConnection) -> None:
    """Marks every call: for tables that are new, or whose SQL is."""
    connection.execute(f"insert into {STALE} select call_id from {SCHEMA}.calls")  # noqa: S608


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
    scope = Scope(connection, tables)
    while count := scope.take_some(calls_at_once):
        try:
            scope.make_steps(tables)
            _refresh_all(connection, scope, tables)
        except duckdb.Error as error:
            if not is_too_much(error):
                raise
            if calls_at_once > 1:
                calls_at_once //= 2
                continue
            with room_for_one(connection):
                _refresh_what_fits(connection, scope, tables)
        finally:
            scope.clear()
        if count < calls_at_once:
            break


def _refresh_what_fits(
    connection: duckdb.DuckDBPyConnection, scope: Scope, tables: list[SqlFile]
) -> None:
    """Refreshes a single call, table by table; where it is too large, with the bare row."""
    ((call_id,),) = connection.execute(f"select call_id from {CALLS_NOW}").fetchall()  # noqa: S608
    _delete_stale(connection, NOT_COMPUTED)
    for model in tables:
        try:
            scope.make_steps([model])
            with transaction(connection):
                _refresh_model(connection, scope, model)
        except duckdb.Error as error:
            if not is_too_much(error):
                raise
            log.error("call_not_computed", call_id=call_id, model=model.name)
            with transaction(connection):
                _make_bare(connection, model)
                connection.execute(
                    f"insert into {NOT_COMPUTED} values (?, ?)",  # noqa: S608
                    [call_id, model.name],
                )
    _delete_stale(connection, STALE)


def _refresh_all(
    connection: duckdb.DuckDBPyConnection, scope: Scope, tables: list[SqlFile]
) -> None:
    with transaction(connection):
        for model in tables:
            _refresh_model(connection, scope, model)
        _delete_stale(connection, NOT_COMPUTED)
        _delete_stale(connection, STALE)


def _refresh_model(connection: duckdb.DuckDBPyConnection, scope: Scope, model: SqlFile) -> None:
    table = f"{ANALYTICS}.{identifier(model.name)}"
    _delete_stale(connection, table)
    scope.insert(table, model)


def _make_bare(connection: duckdb.DuckDBPyConnection, model: SqlFile) -> None:
    """Replaces the row of the call by one that says what `calls` says; there may be none else."""
    table = f"{ANALYTICS}.{identifier(model.name)}"
    _delete_stale(connection, table)
    if model.header["key"] != "call_id":
        return
    shared = connection.execute(
        "select column_name from duckdb_columns()"
        " where database_name = current_database() and schema_name = ? and table_name = ?"
        " and column_name in (select column_name from duckdb_columns()"
        "  where database_name = ? and table_name = 'calls')",
        [ANALYTICS, model.name, SCOPE],
    ).fetchall()
    columns = ", ".join(identifier(name) for (name,) in shared)
    connection.execute(
        f"insert into {table} by name select {columns} from {SCOPE}.calls"  # noqa: S608
    )


def _delete_stale(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    connection.execute(
        f"delete from {table} where call_id in (select call_id from {CALLS_NOW})"  # noqa: S608
    )
