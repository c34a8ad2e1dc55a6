"""The high-water mark of a staging buffer in a warehouse: up to where it holds everything."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from fluents_pipelines.tables import SCHEMA


def position(connection: duckdb.DuckDBPyConnection, buffer_id: str) -> tuple[int, str | None]:
    """Up to which position of a buffer the warehouse holds everything; 0 for nothing.

    And the id of the delivery there, by which a buffer that was restored from a copy is
    recognised: it gives its positions a second time.

    A batch counts where dlt recorded its package as complete, in the same transaction as its
    rows: never from dlt's own state, which moves before anything is loaded.
    """
    # The newest row, which DuckDB finds without the others: a load a second makes 30 million rows
    # a year. All are fetched: DuckDB takes a result that is still open for work under way.
    newest = connection.execute(
        f"select up_to_position, up_to_event_id, load_id from {SCHEMA}.loads"  # noqa: S608
        " where buffer_id = ? order by up_to_position desc limit 1",
        [buffer_id],
    ).fetchall()
    for up_to, event_id, load_id in newest:
        if connection.execute(
            f"select 1 from {SCHEMA}._dlt_loads where load_id = ? and status = 0",  # noqa: S608
            [load_id],
        ).fetchall():
            return int(up_to), event_id
    # before a package was one transaction, a kill could leave this row of one that did not end
    ((up_to, event_id),) = connection.execute(
        "select max(up_to_position), arg_max(up_to_event_id, up_to_position)"  # noqa: S608
        f" from {SCHEMA}.loads as loads"
        f" join {SCHEMA}._dlt_loads as packages on packages.load_id = loads.load_id"
        " where packages.status = 0 and loads.buffer_id = ?",
        [buffer_id],
    ).fetchall()
    return int(up_to or 0), event_id


def positions(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Up to which position of each buffer the warehouse holds everything."""
    tables = connection.execute(
        "select table_name from duckdb_tables() where schema_name = ?"
        " and database_name = current_database() and table_name in ('loads', '_dlt_loads')",
        [SCHEMA],
    ).fetchall()
    if len(tables) < 2:
        return {}
    buffers = connection.execute(f"select distinct buffer_id from {SCHEMA}.loads").fetchall()  # noqa: S608
    return {buffer_id: position(connection, buffer_id)[0] for (buffer_id,) in buffers}


def missing(connection: duckdb.DuckDBPyConnection, event_ids: list[str]) -> list[str]:
    """Which of some deliveries the warehouse holds neither as events nor in the quarantine."""
    if not event_ids:
        return []
    connection.register("asked_for", pa.table({"event_id": event_ids}))
    try:
        # between, because ids sort by time: DuckDB skips all that is older than these
        rows = connection.execute(
            "select event_id from asked_for where event_id not in ("  # noqa: S608
            f" select event_id from {SCHEMA}.events where event_id between ?1 and ?2"
            f" union all select delivery_id from {SCHEMA}.quarantine"
            " where delivery_id between ?1 and ?2) order by event_id",
            [min(event_ids), max(event_ids)],
        ).fetchall()
    finally:
        connection.unregister("asked_for")
    return [event_id for (event_id,) in rows]
