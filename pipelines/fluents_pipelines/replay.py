"""Derives rows of the warehouse again from the bodies that the buffer keeps.

For what is known better by now (new names in `[fields]`, a newer version) and for what is
missing. Afterwards the tables are what a first load of the same deliveries would make; rows
that were right already are not touched, and nothing is taken from what the buffer forgot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial

import duckdb
import pyarrow as pa
import structlog

from fluents_connector.buffer import Batch, Buffer, StoredDelivery
from fluents_connector.loader_state import ReplayAnswer, ReplayRequest
from fluents_connector.settings import Settings
from fluents_pipelines.memory import in_halves, room_for_one
from fluents_pipelines.models.incremental import mark_stale
from fluents_pipelines.normalize import Normalizer
from fluents_pipelines.tables import BY_NAME, CALLS, NORMALIZED, SCHEMA, Table
from fluents_pipelines.transactions import transaction
from fluents_pipelines.warehouse.protocol import Warehouse

CALLS_AT_ONCE = 2_000  # so that memory has a limit, whatever is read again

log = structlog.get_logger(__name__)

# Where a row came through first stays as it is.
_ORIGIN = {"buffer_id", "position"}


def replay(
    request: ReplayRequest,
    settings: Settings,
    buffer: Buffer,
    normalizer: Normalizer,
    warehouse: Warehouse,
    progress: Callable[[int, int], None],
    *,
    only: Sequence[Table] = NORMALIZED,
) -> ReplayAnswer:
    """Reads again what is asked for and is loaded already, and reconciles the rows with it.

    Each batch is one transaction. Done again after a kill, it goes on where that left off. A
    delivery that there is not enough memory for leaves the warehouse as it is, and is logged.
    `only` some tables leaves the others, and what is folded from them, to the caller.
    """
    counts: Counter[str] = Counter()
    received: list[int] = []
    damaged = set(buffer.changed())  # what the warehouse holds of them is better
    for batch in _chosen(request, damaged, settings, buffer, progress):

        def do(start: int, stop: int, batch: Batch = batch) -> None:
            part = replace(batch, rows=batch.rows[start:stop])
            tables = normalizer.tables(part)
            chosen = {table.name: tables[table.name] for table in only}
            with closing(warehouse.connection.cursor()) as cursor, transaction(cursor):
                changes = reconcile(warehouse, cursor, normalizer, _events(part), chosen)
            counts.update(changes)
            counts["deliveries"] += stop - start

        def skip(index: int, batch: Batch = batch) -> None:
            log.error("delivery_not_replayed", event_id=batch.rows[index].event_id)

        more = partial(room, warehouse.connection, normalizer)
        in_halves(0, len(batch.rows), do, room=more, skip=skip)
        received.append(min(row.received_at for row in batch.rows))
    return ReplayAnswer(
        request.request_id,
        deliveries=counts["deliveries"],
        first_received_at=min(received, default=None),
        added=counts["added"],
        changed=counts["changed"],
        removed=counts["removed"],
        damaged=len(damaged),
    )


@contextmanager
def room(connection: duckdb.DuckDBPyConnection, normalizer: Normalizer) -> Iterator[None]:
    """Both engines may take `memory.FOR_ONE` meanwhile."""
    with room_for_one(connection), normalizer.room_for_one():
        yield


def _chosen(
    request: ReplayRequest,
    damaged: set[str],
    settings: Settings,
    buffer: Buffer,
    progress: Callable[[int, int], None],
) -> Iterator[Batch]:
    position, up_to = 0, buffer.counts().confirmed_position
    while position < up_to:
        batch = buffer.read(
            position, up_to, max_rows=settings.batch_rows, max_bytes=settings.batch_bytes
        )
        rows = [
            delivery
            for delivery in batch.rows
            if _is_asked_for(request, delivery) and delivery.event_id not in damaged
        ]
        if rows:
            yield Batch(batch.buffer_id, batch.after, batch.up_to, rows)
        position = batch.up_to
        progress(position, up_to)


def _is_asked_for(request: ReplayRequest, delivery: StoredDelivery) -> bool:
    return (request.since is None or delivery.received_at >= request.since) and (
        not request.types or delivery.type in request.types
    )


def _events(batch: Batch) -> list[str]:
    # A refused delivery that was stored after all is an event of the same id, and that one's
    # rows are none of this delivery's.
    return [delivery.event_id for delivery in batch.rows if delivery.reason is None]


def reconcile(
    warehouse: Warehouse,
    cursor: duckdb.DuckDBPyConnection,
    normalizer: Normalizer,
    events: list[str],
    tables: Mapping[str, pa.Table],
) -> Counter[str]:
    """Makes the rows of some events be those of `tables`, in the transaction of `cursor`.

    With their calls, which are what all their events say, if `tables` has those. Counts the rows
    that were added, changed and removed.
    """
    cursor.register("replayed", pa.table({"event_id": pa.array(events, pa.string())}))
    counts: Counter[str] = Counter()
    for table in NORMALIZED:
        if table is not CALLS and table.name in tables:
            counts += _merge(cursor, table, tables[table.name])
            counts["removed"] += _remove(cursor, table, events)
    if CALLS.name not in tables:
        return counts
    touched = cursor.sql(
        f"select distinct call_id from {SCHEMA}.events where event_id in (from replayed)"  # noqa: S608
    ).to_arrow_table()
    mark_stale(cursor, touched)
    return counts + _fold(warehouse, cursor, normalizer, touched)


def _fold(
    warehouse: Warehouse,
    cursor: duckdb.DuckDBPyConnection,
    normalizer: Normalizer,
    touched: pa.Table,
) -> Counter[str]:
    """Folds calls from all their events, of which only some may be read again."""
    if touched.num_rows > CALLS_AT_ONCE:
        return sum(
            (
                _fold(warehouse, cursor, normalizer, touched.slice(start, CALLS_AT_ONCE))
                for start in range(0, touched.num_rows, CALLS_AT_ONCE)
            ),
            Counter(),
        )
    known = {
        name: warehouse.rows_of_calls(cursor, table, touched)
        for name, table in BY_NAME.items()
        if name in normalizer.sources_of_calls or table is CALLS
    }
    return _merge(cursor, CALLS, normalizer.calls(known))


def _merge(cursor: duckdb.DuckDBPyConnection, table: Table, rows: pa.Table) -> Counter[str]:
    """Adds what is missing and changes what differs; counts both."""
    names = table.column_names
    others = [name for name in names if name not in table.key]
    is_same_row = " and ".join(f"there.{name} = fresh.{name}" for name in table.key)
    cursor.register("fresh", rows)
    # two statements and no MERGE, which not every warehouse can have tell what it did
    changed = _count(
        cursor,
        f"update {SCHEMA}.{table.name} as there set"  # noqa: S608
        f" {', '.join(f'{name} = {_new_value(name)}' for name in others)} from fresh"
        f" where {is_same_row} and ({' or '.join(_differs(table, name) for name in others)})",
    )
    added = _count(
        cursor,
        f"insert into {SCHEMA}.{table.name} ({', '.join(names)}, _dlt_load_id)"  # noqa: S608
        f" select {', '.join(names)},"
        f" (select max(load_id) from {SCHEMA}._dlt_loads where status = 0) from fresh"
        f" where not exists (from {SCHEMA}.{table.name} as there where {is_same_row})",
    )
    return Counter(added=added, changed=changed)


def _count(cursor: duckdb.DuckDBPyConnection, sql: str, *values: object) -> int:
    """How many rows a statement changed."""
    ((count,),) = cursor.execute(sql, list(values)).fetchall()
    return int(count)


def _new_value(name: str) -> str:
    return f"coalesce(there.{name}, fresh.{name})" if name in _ORIGIN else f"fresh.{name}"


def _differs(table: Table, name: str) -> str:
    if name in _ORIGIN:
        return f"there.{name} is null and fresh.{name} is not null"
    is_json = any(column.name == name and column.data_type == "json" for column in table.columns)
    return f"there.{name}{'::varchar' if is_json else ''} is distinct from fresh.{name}"


def _remove(cursor: duckdb.DuckDBPyConnection, table: Table, events: list[str]) -> int:
    """Removes the rows of replayed events that `fresh` does not have (any more)."""
    if "event_id" not in table.key or not events:
        return 0
    keys = ", ".join(table.key)
    return _count(
        cursor,
        f"delete from {SCHEMA}.{table.name} where event_id between ? and ?"  # noqa: S608
        " and event_id in (from replayed)"
        f" and ({keys}) not in (select ({keys}) from fresh)",
        min(events),
        max(events),
    )
