"""The tables of a Postgres buffer: recognised, made, and brought up to date in place.

They have a schema of the database to themselves. One that has other tables, or those of a newer
version, is refused and left unchanged.
"""

from __future__ import annotations

import uuid
from importlib import resources
from typing import Any

from psycopg import Connection, Cursor
from psycopg.sql import SQL, Identifier

from fluents_connector.errors import BufferRefused

FORMAT = 1
MIN_SERVER = 14  # the oldest that its makers still repaired in 2026

_LOCK = 0x464C5542  # "FLUB": of the advisory lock that one process takes to make or migrate

_MIGRATIONS: dict[int, str] = {}
"""For each older format, what makes it the next one."""


def refuse_server(version: int) -> None:
    """Raises `BufferRefused` for a server that is too old; `version` as in 150018 for 15.18."""
    if version < MIN_SERVER * 10_000:
        raise BufferRefused(
            f"The Postgres server is of version {version // 10_000}; needed is {MIN_SERVER} or "
            "later. Nothing was changed. Upgrade it, or name another one in buffer_url."
        )


def exists(connection: Connection[Any], schema: str) -> bool:
    """Whether the schema has the tables of a buffer, of whatever version."""
    return _format(connection, schema) is not None


def refuse_newer(connection: Connection[Any], schema: str) -> None:
    """Raises `BufferRefused` where a newer version has made or migrated the tables."""
    if (found := _format(connection, schema) or 0) > FORMAT:
        raise BufferRefused(
            f"The staging buffer in the schema {schema} was written by a newer "
            "fluents-warehouse; it was left unchanged. Install the newer version again. Its "
            f"format is {found}, known is {FORMAT}."
        )


def make_or_migrate(connection: Connection[Any], schema: str) -> None:
    """Makes the tables where there are none, or brings older ones up to date.

    Raises `BufferRefused` where the schema is of another program or a newer version.
    """
    found = _format(connection, schema)
    if found == FORMAT:
        return
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", (_LOCK, schema))
        found = _format(connection, schema)  # another process may have been faster
        if found is None:
            _make(connection, schema)
            return
        refuse_newer(connection, schema)
        for older in range(found, FORMAT):
            connection.execute(SQL(_MIGRATIONS[older]))
        connection.execute("update buffer set format = %s", (FORMAT,))


def _make(connection: Connection[Any], schema: str) -> None:
    found = connection.execute(
        "select exists (select from pg_catalog.pg_namespace where nspname = %(schema)s), ("
        "select count(*) from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n"
        " on n.oid = c.relnamespace where n.nspname = %(schema)s)",
        {"schema": schema},
    )
    is_there, others = the_row(found)
    if others:
        raise BufferRefused(
            f"The schema {schema} has tables of another program; it was left unchanged. Name "
            "another schema with buffer_schema."
        )
    if not is_there:
        connection.execute(SQL("create schema {}").format(Identifier(schema)))
    script = resources.files("fluents_connector.buffer.postgres").joinpath("schema.sql")
    connection.execute(SQL(script.read_text()))
    connection.execute(
        "insert into buffer (only_row, format, buffer_id) values (true, %s, %s)",
        (FORMAT, str(uuid.uuid4())),
    )


def _format(connection: Connection[Any], schema: str) -> int | None:
    """The format of the tables in the schema; None where they are not there."""
    found = connection.execute(
        "select count(*) from pg_catalog.pg_attribute as a"
        " join pg_catalog.pg_class as c on c.oid = a.attrelid"
        " join pg_catalog.pg_namespace as n on n.oid = c.relnamespace"
        " where n.nspname = %s and c.relname = 'buffer'"
        " and a.attname in ('format', 'confirmed_position')",
        (schema,),
    )
    (columns,) = the_row(found)
    if columns != 2:
        return None
    # by its whole name, so that a lack of rights is not taken for a lack of tables
    statement = SQL("select format from {}.buffer").format(Identifier(schema))
    row = connection.execute(statement).fetchone()
    return int(row[0]) if row else None


def the_row(found: Cursor[Any]) -> tuple[Any, ...]:
    """The row of a statement that always has one, such as of the counters. Raises `LookupError`."""
    row: tuple[Any, ...] | None = found.fetchone()
    if row is None:
        raise LookupError("the table buffer has no row")
    return row
