"""A warehouse with millions of events, made in minutes.

A first real load makes the tables and some rows. SQL then repeats those rows with earlier times,
ids and other calls: an event's id stays a UUIDv7 of its time, and every table agrees with every
other. The older rows come behind the newer in the file, in the order of their time.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from tests.benchmarks.backlog import EVERY_MICROSECONDS, deliveries, fill, settings
from tests.benchmarks.measure import fresh, say

EVENTS_A_CALL = 14.6  # of the simulator; the calls there really are, are counted
LOADED = 50_000  # events of the first load, which are repeated

_MACROS = """
-- the id of an event that came `before` milliseconds earlier
create or replace temp macro earlier_id(id, before) as
    regexp_replace(
        format('{:012x}', ('0x' || left(id, 8) || substr(id, 10, 4))::bigint - before),
        '^(.{8})', '\\1-'
    )
    || substr(id, 14);
create or replace temp macro other_call(id, nth) as md5(id || nth)::uuid::varchar;
"""


def make_of_calls(folder: Path, calls: int, *, loaded: int = LOADED) -> Path:
    """Makes one of about so many calls, in a process of its own; returns the loader's file."""
    say(f"making a warehouse of {calls:,} calls")
    fresh(make, folder, round(calls * EVENTS_A_CALL), loaded=loaded)
    return settings(folder).data_dir / "warehouse.duckdb"


def make(folder: Path, events: int, *, loaded: int = LOADED) -> None:
    """Makes a warehouse of at least `events` events, all loaded, in `folder`; 0 is an empty one."""
    from fluents_pipelines.load import Loader
    from fluents_pipelines.models import built_in, incremental
    from fluents_pipelines.tables import NORMALIZED
    from fluents_pipelines.warehouse.duckdb_file.files import FILE
    from fluents_pipelines.warehouse.duckdb_file.storage import connect

    of_folder = settings(folder)
    loaded = min(events, loaded)
    fill(of_folder.buffer_file, islice(deliveries(), loaded))
    with Loader(of_folder) as loader:
        loader.load()
    if events <= loaded:
        return
    span = (loaded + 1) * EVERY_MICROSECONDS // 1000
    with connect(of_folder.data_dir / FILE, "2GB") as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(_MACROS)
        for table in NORMALIZED:
            described = connection.execute(f"describe fluents.{table.name}").fetchall()
            columns = ", ".join(_earlier(name, type_) for name, type_, *_ in described)
            first = f"first_{table.name}"
            connection.execute(f"create temp table {first} as from fluents.{table.name}")
            for nth in range(-(-(events - loaded) // loaded), 0, -1):
                connection.execute(
                    f"insert into fluents.{table.name} select {columns} from {first},"
                    f" (select {nth} as nth, {nth * span} as before)"
                )
        incremental.mark_all_stale(connection)
        # more at once than a load takes: what waits is read again each time
        incremental.refresh(connection, built_in.models(), calls_at_once=40_000)
        connection.execute("checkpoint")


def _earlier(column: str, type_: str) -> str:
    if column == "call_id":
        return "other_call(call_id, nth)"
    if column == "event_id" or column.endswith("_event_id") or column == "duplicate_of":
        return f"earlier_id({column}, before)"
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return f"{column} - to_milliseconds(before)"
    if column == "buffer_id":
        return "buffer_id || nth"  # positions are those of a buffer, and each has the same ones
    return column
