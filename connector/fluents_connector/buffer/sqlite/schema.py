"""The tables of a buffer's file: how they are made, and brought up to date in place.

`PRAGMA user_version` is the format. A file of an older one is migrated in one transaction when it
is opened to be used; one of a newer version is refused and left unchanged.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from importlib import resources

from fluents_connector.buffer.limits import ROW_BYTES

APPLICATION_ID = 0x464C5542  # "FLUB": marks the file as a fluents-warehouse buffer
USER_VERSION = 2

_TO_2 = f"""
alter table buffer add column pending_rows integer not null default 0;
alter table buffer add column pending_bytes integer not null default 0;
alter table buffer add column refused_bytes integer not null default 0;
alter table buffer add column redacted integer not null default 0;
alter table deliveries add column redacted integer not null default 0;
alter table deliveries add column stored_hash blob;
create index settled_refusals on deliveries (position) where settled and reason is not null;
update buffer set (pending_rows, pending_bytes) = (
    select count(*), coalesce(sum(coalesce(length(body), 0) + {ROW_BYTES}), 0)
    from deliveries where position > confirmed_position
), refused_bytes = (
    select coalesce(sum(length(body)), 0) from deliveries where reason is not null
);
"""  # noqa: S608 # a number of ours

_MIGRATIONS = {1: _TO_2}
"""For each older version, what makes it the next one."""

_ADDED = {"redacted": "0", "stored_hash": "null"}
"""Columns of `deliveries` that a file of an older version lacks, and what they would say."""


def make_or_migrate(connection: sqlite3.Connection) -> bool:
    """Makes the tables in an empty file, or brings older ones up to date; says if it migrated.

    Inside a transaction of the caller.
    """
    version = _version(connection)
    if version == 0:
        schema = (
            resources.files("fluents_connector.buffer.sqlite").joinpath("schema.sql").read_text()
        )
        _run(connection, schema)
        connection.execute(
            "insert into buffer (only_row, buffer_id) values (1, ?)", (str(uuid.uuid4()),)
        )
        connection.execute(f"pragma application_id = {APPLICATION_ID}")
    for older in range(max(version, 1), USER_VERSION):
        if version:
            _run(connection, _MIGRATIONS[older])
    if version < USER_VERSION:
        connection.execute(f"pragma user_version = {USER_VERSION}")
    return 0 < version < USER_VERSION


def is_newer(connection: sqlite3.Connection) -> bool:
    """Whether a newer fluents-warehouse wrote it, by the log too that the header does not show."""
    return _version(connection) > USER_VERSION


def is_current(connection: sqlite3.Connection) -> bool:
    """Whether the tables are there, and in the format of this version."""
    return _version(connection) == USER_VERSION


def as_columns(connection: sqlite3.Connection, names: tuple[str, ...]) -> str:
    """A select list of columns of `deliveries`, also of a file that was not migrated."""
    try:
        there = {row[1] for row in connection.execute("pragma table_info(deliveries)")}
    except sqlite3.DatabaseError:  # damaged
        there = set()
    lacking = _ADDED.keys() - there if there else set()
    return ", ".join(f"{_ADDED[name]} as {name}" if name in lacking else name for name in names)


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("pragma user_version").fetchone()
    return int(version)


def _run(connection: sqlite3.Connection, script: str) -> None:
    for statement in _statements(script):
        connection.execute(statement)


def _statements(script: str) -> Iterator[str]:
    # executescript() would commit the transaction that creates the buffer.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
