"""Brings the loader's file up to date before anything is read from it or loaded into it.

The file says its version itself, `schema_version` of `fluents._properties`. In one transaction,
so that a kill changes nothing:

1. Tables and columns that are declared and not there are made, whoever dropped them.
2. What no declaration says is done by steps, in the order of the versions.

What an added column or table should hold, `fluents_pipelines.derivation` makes from the events. A
file of a newer version is refused and left as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import structlog
from dlt.common.schema.utils import loads_table, pipeline_state_table, version_table

from fluents_connector.errors import LoadFailed
from fluents_pipelines.sql_text import identifier
from fluents_pipelines.tables import (
    ALL_TABLES,
    BY_NAME,
    EVENTS,
    LOADS,
    QUARANTINE,
    SCHEMA,
    SCHEMA_VERSION,
    Table,
)
from fluents_pipelines.transactions import transaction
from fluents_pipelines.warehouse import properties

_TYPES = {
    "text": "varchar",
    "timestamp": "timestamp with time zone",
    "bigint": "bigint",
    "bool": "boolean",
    "double": "double",
    "json": "json",
}
_DLT_TABLES: dict[str, dict[str, Any]] = {
    "_dlt_loads": dict(loads_table()["columns"]),
    "_dlt_version": dict(version_table()["columns"]),
    "_dlt_pipeline_state": dict(pipeline_state_table(add_dlt_id=True)["columns"]),
}
_WANTED: dict[str, dict[str, Any]] = {
    **{table.name: table.dlt_columns for table in ALL_TABLES},
    **_DLT_TABLES,
}

log = structlog.get_logger(__name__)


def refuse_newer(path: Path) -> None:
    """Raises `LoadFailed` where a newer version wrote the file. Changes no byte of it."""
    if not path.exists():
        return
    with duckdb.connect(str(path), read_only=True) as connection:
        version = properties.get(connection, properties.VERSION)
    if version is not None and int(version) > SCHEMA_VERSION:
        raise LoadFailed(
            f"The warehouse {path} is of a newer fluents-warehouse (schema {version}; this one "
            f"knows {SCHEMA_VERSION}). It was not changed. Install that version again, or put a "
            "backup of this version in the file's place."
        )


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes what is missing, in one transaction. Raises `LoadFailed`, and changes nothing then."""
    with transaction(connection):
        _migrate(connection)


def _migrate(connection: duckdb.DuckDBPyConnection) -> None:
    properties.prepare(connection)
    version = int(properties.get(connection, properties.VERSION) or 1)
    made = _make_tables(connection)
    if not made and version == SCHEMA_VERSION:
        return
    for step_to in range(version + 1, SCHEMA_VERSION + 1):
        _STEPS[step_to](connection)
    _mend_load_ids(connection)
    # dlt trusts what it recorded, and would never look at what is there.
    connection.execute(f"delete from {SCHEMA}._dlt_version")  # noqa: S608
    properties.put(connection, properties.DERIVATION, "")
    properties.put(connection, properties.VERSION, str(SCHEMA_VERSION))
    if made != list(_WANTED):  # else it is a new file
        log.info("schema_migrated", from_version=version, to_version=SCHEMA_VERSION, made=made)


def _make_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Makes the tables and columns that are not there; says which."""
    there: dict[str, set[str]] = {}
    for table, column in connection.execute(
        "select table_name, column_name from duckdb_columns()"
        " where schema_name = ? and database_name = current_database()",
        [SCHEMA],
    ).fetchall():
        there.setdefault(table, set()).add(column)
    made: list[str] = []
    for name, columns in _WANTED.items():
        lacking = columns.keys() - there.get(name, set())
        if name in there and _is_useless_without(lacking, name):
            connection.execute(f"drop table {SCHEMA}.{name}")
            del there[name]
        if name not in there:
            declared = ", ".join(_declared(column, hints) for column, hints in columns.items())
            connection.execute(f"create table {SCHEMA}.{name} ({declared})")
            made.append(name)
            continue
        for column in (column for column in columns if column in lacking):
            # nullable, as the rows that are there have no value yet
            hints = {**columns[column], "nullable": True}
            connection.execute(f"alter table {SCHEMA}.{name} add column {_declared(column, hints)}")
            made.append(f"{name}.{column}")
    return made


def _declared(column: str, hints: dict[str, Any]) -> str:
    not_null = "" if hints.get("nullable", True) else " not null"
    return f"{identifier(column)} {_TYPES[hints['data_type']]}{not_null}"


def _is_useless_without(lacking: set[str], name: str) -> bool:
    """Whether rows without these columns cannot be told from each other, or prove nothing."""
    if name in _DLT_TABLES or name == LOADS.name:
        return bool(lacking)
    table: Table = BY_NAME[name]
    if table.key[0] not in lacking:
        return False
    if table in (EVENTS, QUARANTINE):
        raise LoadFailed(
            f"The warehouse's table {SCHEMA}.{name} has no column {table.key[0]}, by which its "
            "rows are known. It was not changed: put a backup of the file in its place."
        )
    return True


def _mend_load_ids(connection: duckdb.DuckDBPyConnection) -> None:
    """Gives every row a load id that `_dlt_loads` has.

    Up to version 1 a kill between two tables left rows of a package that was never recorded. The
    package is recorded now; but its row of `loads`, which may have come before the others, says
    of a batch that it is wholly here, and goes. The buffer has that batch, or another load took it.
    """
    connection.execute(
        f"delete from {SCHEMA}.loads where load_id not in (select load_id from {SCHEMA}._dlt_loads)"  # noqa: S608
    )
    for table in ALL_TABLES:
        connection.execute(
            f"update {SCHEMA}.{table.name} set _dlt_load_id ="  # noqa: S608
            f" (select max(load_id) from {SCHEMA}._dlt_loads) where _dlt_load_id is null"
        )
    ids = " union ".join(f"select _dlt_load_id from {SCHEMA}.{table.name}" for table in ALL_TABLES)  # noqa: S608
    # a load id is the time at which the package was begun, in seconds
    connection.execute(
        f"insert into {SCHEMA}._dlt_loads (load_id, schema_name, status, inserted_at)"  # noqa: S608
        f" select load_id, '{SCHEMA}', 0,"
        " coalesce(to_timestamp(try_cast(load_id as double)), current_timestamp)"
        f" from ({ids}) as used (load_id)"
        f" where load_id is not null and load_id not in (select load_id from {SCHEMA}._dlt_loads)"
    )


def _to_2(connection: duckdb.DuckDBPyConnection) -> None:
    """Before version 2, nothing was redacted."""
    for table in (EVENTS, QUARANTINE):
        connection.execute(
            f"update {SCHEMA}.{table.name} set redacted_count = 0 where redacted_count is null"  # noqa: S608
        )


_STEPS: dict[int, Callable[[duckdb.DuckDBPyConnection], None]] = {2: _to_2}
"""For each version, what is to be done to reach it besides adding tables and columns."""
