"""What a warehouse says of itself, in the table `fluents._properties`: a value for each name.

It lies in the warehouse and not in a file beside it, so that a copy, a backup and a published
snapshot tell the truth of themselves.
"""

from __future__ import annotations

import duckdb

from fluents_pipelines.tables import SCHEMA

NAME = "_properties"
DERIVATION = "derivation"
"""Which SQL made the rows: see `fluents_pipelines.derivation`."""
VERSION = "schema_version"
"""Which declarations its tables follow: `SCHEMA_VERSION` of `fluents_pipelines.tables`."""
MODELS = "models"
"""The fingerprint of the built-in models that are in it."""
CUSTOM_MODELS = "own_models"  # as the first versions named it
"""The fingerprint of the custom models that are in it."""
_TABLE = f"{SCHEMA}.{NAME}"


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the table if it is not there."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    connection.execute(
        f"create table if not exists {_TABLE} (name varchar not null, value varchar not null)"
    )


def everything(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """All values by their names; none in a warehouse without the table."""
    if not connection.execute(
        "select 1 from duckdb_tables() where schema_name = ? and table_name = ?"
        " and database_name = current_database()",
        [SCHEMA, NAME],
    ).fetchall():
        return {}
    return dict(connection.execute(f"select name, value from {_TABLE}").fetchall())  # noqa: S608


def get(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """The value of `name`; None where it has none, also in a warehouse without the table."""
    return everything(connection).get(name)


def put(connection: duckdb.DuckDBPyConnection, name: str, value: str) -> None:
    """Sets the value of `name`, in the transaction of the caller where one is open."""
    if get(connection, name) == value:
        return
    connection.execute(f"delete from {_TABLE} where name = ?", [name])  # noqa: S608
    connection.execute(f"insert into {_TABLE} values (?, ?)", [name, value])  # noqa: S608
