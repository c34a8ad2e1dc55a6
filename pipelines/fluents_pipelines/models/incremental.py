"""Models that are tables: after a load, the rows of the calls that it touched are refreshed.

To refresh is to replace the rows of a call by what the model's SQL gives for it now. The calls are
marked stale, in `analytics.stale_calls`, before their events are loaded, and taken off the list in
the transaction that refreshes them, so a kill at any point leaves none behind. A model's SQL
runs as it stands, but on views of its tables that show the stale calls only: so the cost of a
refresh follows the new work and not the history.
"""

from __future__ import annotations

import re

import duckdb
import pyarrow as pa
import structlog

from fluents_connector.errors import ModelError
from fluents_pipelines.memory import is_too_much, room_for_one
from fluents_pipelines.sql_files import SqlFile
from fluents_pipelines.sql_text import identifier, literal
from fluents_pipelines.tables import NORMALIZED, SCHEMA
from fluents_pipelines.transactions import transaction

ANALYTICS = "analytics"
STALE = f"{ANALYTICS}.stale_calls"
NOT_COMPUTED = f"{ANALYTICS}.calls_not_computed"
CALLS_AT_ONCE = 20_000  # so that memory has a limit, whatever waits

log = structlog.get_logger(__name__)

_SCOPE = "stale"
_RELATION = re.compile(rf"\b(?:{SCHEMA}|{ANALYTICS})\.(\w+)")
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
    names = {table.name for table in NORMALIZED if "call_id" in table.column_names}
    names |= {model.name for model in tables}
    _make_scope(connection, tables, names)
    while _take_some(connection, calls_at_once):
        try:
            _refresh_all(connection, tables, names)
        except duckdb.Error as error:
            if not is_too_much(error):
                raise
            if calls_at_once > 1:
                calls_at_once //= 2
                continue
            with room_for_one(connection):
                _refresh_what_fits(connection, tables, names)


def _refresh_what_fits(
    connection: duckdb.DuckDBPyConnection, tables: list[SqlFile], names: set[str]
) -> None:
    """Refreshes a single call, table by table; where it is too large, with the bare row."""
    ((call_id,),) = connection.execute(
        f"select call_id from {_SCOPE}.calls_now"  # noqa: S608
    ).fetchall()
    _delete_stale(connection, NOT_COMPUTED)
    for model in tables:
        try:
            with transaction(connection):
                _refresh_model(connection, model, names)
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
    connection: duckdb.DuckDBPyConnection, tables: list[SqlFile], names: set[str]
) -> None:
    with transaction(connection):
        for model in tables:
            _refresh_model(connection, model, names)
        _delete_stale(connection, NOT_COMPUTED)
        _delete_stale(connection, STALE)


def _make_scope(
    connection: duckdb.DuckDBPyConnection, tables: list[SqlFile], names: set[str]
) -> None:
    # A database of its own, in memory, so that nothing of it is ever published.
    connection.execute(f"attach if not exists ':memory:' as {_SCOPE}")
    connection.execute(f"create table if not exists {_SCOPE}.calls_now (call_id varchar)")
    ((database,),) = connection.execute("select current_database()").fetchall()
    models = {table.name for table in tables}
    for name in names:
        schema = ANALYTICS if name in models else SCHEMA
        # Rows are stored about in the order of receipt, so DuckDB skips what is older.
        is_recent = "" if name in models | {"calls"} else " and received_at >= getvariable('since')"
        connection.execute(
            f"create or replace view {_SCOPE}.{identifier(name)} as"  # noqa: S608
            f" select * from {identifier(database)}.{schema}.{identifier(name)}"
            f" where call_id in (select call_id from {_SCOPE}.calls_now){is_recent}"
        )


def _take_some(connection: duckdb.DuckDBPyConnection, limit: int) -> bool:
    """Puts some of the stale calls into the scope; says whether there were any."""
    connection.execute(
        f"create or replace table {_SCOPE}.calls_now as"  # noqa: S608
        " select stale_calls.call_id, any_value(calls.first_event_at) as first_event_at"
        f" from {STALE} as stale_calls left join {SCHEMA}.calls as calls using (call_id)"
        f" group by stale_calls.call_id order by first_event_at limit {limit}"
    )
    ((count, since),) = connection.execute(
        f"select count(*), min(first_event_at) from {_SCOPE}.calls_now"  # noqa: S608
    ).fetchall()
    connection.execute("set variable since = ?::timestamptz", [since])
    return bool(count)


def _refresh_model(connection: duckdb.DuckDBPyConnection, model: SqlFile, names: set[str]) -> None:
    sql = _RELATION.sub(
        lambda found: f"{_SCOPE}.{found[1]}" if found[1] in names else found[0], model.sql
    )
    _delete_stale(connection, f"{ANALYTICS}.{identifier(model.name)}")
    try:
        connection.execute(f"insert into {ANALYTICS}.{identifier(model.name)} by name {sql}")
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise ModelError(f"{model.path}: {error}") from error


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
        [ANALYTICS, model.name, _SCOPE],
    ).fetchall()
    columns = ", ".join(identifier(name) for (name,) in shared)
    connection.execute(
        f"insert into {table} by name select {columns} from {_SCOPE}.calls"  # noqa: S608
    )


def _delete_stale(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    connection.execute(
        f"delete from {table} where call_id in (select call_id from {_SCOPE}.calls_now)"  # noqa: S608
    )
