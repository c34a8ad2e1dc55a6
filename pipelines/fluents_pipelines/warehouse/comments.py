"""Comments on the tables of the schema `fluents`, where DuckDB and BI tools show them.

dlt keeps descriptions in its own schema and tells DuckDB nothing of them.
"""

from __future__ import annotations

import duckdb

from fluents_pipelines.sql_text import identifier, literal
from fluents_pipelines.tables import ALL_TABLES, LOAD_ID, SCHEMA
from fluents_pipelines.transactions import transaction
from fluents_pipelines.warehouse.properties import NAME as PROPERTIES

_SCHEMA_HASH = "Hash of dlt's schema at that time, as in _dlt_version."

# tables that are not declared: comment, and comments of the columns; dlt's by its documentation
_OTHERS: dict[str, tuple[str, dict[str, str]]] = {
    PROPERTIES: (
        "What the warehouse says of itself, such as the version of its schema.",
        {"name": "Which property.", "value": "Its value, as text."},
    ),
    "_dlt_loads": (
        "One row for each load that dlt completed.",
        {
            "load_id": "Seconds since 1970 at its start, as text.",
            "schema_name": "The dlt schema that was loaded.",
            "status": "0: all of it is in the warehouse.",
            "inserted_at": "When it was complete.",
            "schema_version_hash": _SCHEMA_HASH,
        },
    ),
    "_dlt_version": (
        "One row for each version of the schema that dlt made tables from.",
        {
            "version": "Counts the versions.",
            "engine_version": "Version of dlt's format of schemas.",
            "inserted_at": "When it was stored.",
            "schema_name": "The dlt schema.",
            "version_hash": "Hash of the schema.",
            "schema": "The schema itself, as JSON.",
        },
    ),
    "_dlt_pipeline_state": (
        "One row for each state of the dlt pipeline, which restores it from here.",
        {
            "version": "Counts the states.",
            "engine_version": "Version of dlt's format of states.",
            "pipeline_name": "The dlt pipeline.",
            "state": "The state itself, packed.",
            "created_at": "When it was stored.",
            "version_hash": "Hash of the state.",
            "_dlt_id": "Identifies the row.",
        },
    ),
}


def describe(connection: duckdb.DuckDBPyConnection) -> None:
    """Sets the comments that are missing or say something else. No transaction may be open."""
    there = connection.execute(
        "select table_name, null as column_name, comment from duckdb_tables()"
        " where schema_name = ?1 and database_name = current_database() union all"
        " select table_name, column_name, comment from duckdb_columns()"
        " where schema_name = ?1 and database_name = current_database()",
        [SCHEMA],
    ).fetchall()
    wanted = _comments()
    changes = [
        (table, column, text)
        for table, column, comment in there
        if (text := wanted.get((table, column))) and text != comment
    ]
    if not changes:
        return
    with transaction(connection):
        for table, column, text in changes:
            relation = f"{SCHEMA}.{identifier(table)}"
            of = f"column {relation}.{identifier(column)}" if column else f"table {relation}"
            connection.execute(f"comment on {of} is {literal(text)}")


def _comments() -> dict[tuple[str, str | None], str]:
    """Every comment by table and column; those of tables have no column."""
    found: dict[tuple[str, str | None], str] = {}
    for table in ALL_TABLES:
        found[table.name, None] = table.description
        found |= {(table.name, column.name): column.description for column in table.columns}
    for name, (text, columns) in _OTHERS.items():
        found[name, None] = text
        found |= {(name, column): description for column, description in columns.items()}
    for name in {table for table, _ in found}:
        found[name, LOAD_ID.name] = LOAD_ID.description
    return found
