"""What the loader's file and the published one say of themselves, and whether one may replace
the other.

Each publish writes a new id, `snapshot`, into the loader's file before it copies that, and keeps
the id that it replaces as `former_snapshot`. So a loader's file that names the id of a published
one has grown from it and holds all of it. Of any other, every delivery is looked for: a file that
was restored from a copy, or of another loader, may lack what readers have.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

import duckdb

from fluents_connector.errors import LoadFailed
from fluents_pipelines.sql_text import literal
from fluents_pipelines.tables import SCHEMA
from fluents_pipelines.warehouse import progress, properties
from fluents_pipelines.warehouse.protocol import WarehouseState

SNAPSHOT, FORMER_SNAPSHOT = "snapshot", "former_snapshot"

_OTHER = "published"  # the name under which a file is attached


@dataclass(frozen=True, slots=True)
class FileState(WarehouseState):
    """What a file says of itself, with its snapshot and the one that this replaces or replaced."""

    snapshot: str | None
    former_snapshot: str | None

    def holds_all_of(self, other: FileState) -> bool:
        """Whether this warehouse has grown from the other one."""
        return other.snapshot is not None and other.snapshot in (
            self.snapshot,
            self.former_snapshot,
        )


def state_of(connection: duckdb.DuckDBPyConnection) -> FileState:
    """What the file of a connection says of itself."""
    values = properties.everything(connection)
    return FileState(
        models=values.get(properties.MODELS),
        custom_models=values.get(properties.CUSTOM_MODELS),
        derivation=values.get(properties.DERIVATION),
        positions=progress.positions(connection),
        snapshot=values.get(SNAPSHOT),
        former_snapshot=values.get(FORMER_SNAPSHOT),
    )


def state_in(path: Path) -> FileState | None:
    """What the file at `path` says of itself; None where there is none, or nothing in it.

    Raises `duckdb.Error` where it cannot be read, and `LoadFailed` where it is no warehouse of
    ours.
    """
    if not path.is_file():
        return None
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach {literal(str(path))} as {_OTHER} (read_only)")
        connection.execute(f"use {_OTHER}")
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables()"
            " where database_name = current_database()"
        ).fetchall()
        if tables and (SCHEMA, "loads") not in tables:
            raise LoadFailed(
                f"{path} is a DuckDB file of something else. Move it away, or change "
                "warehouse_path. Nothing is lost: the buffer keeps what is not loaded."
            )
        return state_of(connection) if tables else None


def begin_snapshot(connection: duckdb.DuckDBPyConnection, published: str | None) -> str:
    """Gives the loader's file a new `snapshot`, for what is not the published one any more.

    `published` is the id of that one, and all of it is here. In the transaction of the caller.
    """
    snapshot = str(uuid.uuid4())
    properties.put(connection, FORMER_SNAPSHOT, published or "")
    properties.put(connection, SNAPSHOT, snapshot)
    return snapshot


def refuse_to_lose(connection: duckdb.DuckDBPyConnection, path: Path, published: Path) -> None:
    """Raises `LoadFailed` where the published file has a delivery that the loader's has not.

    `path` is the loader's file, which `connection` has open. Reads the ids of both whole.
    """
    connection.execute(f"attach {literal(str(published))} as {_OTHER} (read_only)")
    try:
        ((count, first),) = connection.execute(
            f"select count(*), min(event_id) from ({_ids(f'{_OTHER}.{SCHEMA}')})"  # noqa: S608
            f" anti join ({_ids(SCHEMA)}) as loaded using (event_id)"
        ).fetchall()
    finally:
        connection.execute(f"detach {_OTHER}")
    if count:
        raise LoadFailed(
            f"Not published: the loader's file {path} lacks {count:,} deliveries that the "
            f"published {published} holds, from {first} on, and the buffer keeps them no longer. "
            "One of the two files is an old copy, or another loader's. To go on from the published "
            f"one, move {path} away: the next load takes the published one back, and loads from "
            "the buffer what that lacks. To go on without those deliveries, move "
            f"{published} away."
        )


def _ids(schema: str) -> str:
    return (
        f"select event_id from {schema}.events"  # noqa: S608
        f" union all select delivery_id from {schema}.quarantine"
    )
