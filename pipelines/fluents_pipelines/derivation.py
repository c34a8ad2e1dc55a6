"""Makes the tables again that `sql/tables` makes from the events, where that changed.

A version that reads events otherwise must hold what it would load itself. So a warehouse says by
which derivation its rows were made: a fingerprint of `sql/tables`, the macros and the declared
columns. Where that is another one, everything is made again before anything is loaded: what the
buffer keeps from its bodies, as a replay does it, and all else from the warehouse's own events.

The cost follows the history, once for each such version. It goes in the order of the events, a
batch is a transaction, and a kill resumes behind the last one. An event that there is not enough
memory for keeps the rows that it has, and is logged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import accumulate

import duckdb
import pyarrow as pa
import structlog

from fluents_connector.buffer import Buffer
from fluents_connector.loader_state import ReplayRequest
from fluents_connector.settings import Settings
from fluents_pipelines.memory import in_halves
from fluents_pipelines.models.incremental import mark_all_stale
from fluents_pipelines.normalize import BatchTooLarge, Normalizer
from fluents_pipelines.replay import reconcile, replay, room
from fluents_pipelines.tables import EVENTS, QUARANTINE, SCHEMA
from fluents_pipelines.transactions import transaction
from fluents_pipelines.warehouse import properties
from fluents_pipelines.warehouse.protocol import Warehouse

REACHED = "derived_up_to"
EVENTS_AT_ONCE = 5_000
LOGGED_EVERY = 100_000

log = structlog.get_logger(__name__)


def derive_again(
    settings: Settings,
    buffer: Buffer,
    normalizer: Normalizer,
    warehouse: Warehouse,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> bool:
    """Makes the derived rows again if another derivation made them; says whether it did."""
    wanted, connection = normalizer.fingerprint, warehouse.connection
    if properties.get(connection, properties.DERIVATION) == wanted:
        return False
    ((total,),) = connection.execute(f"select count(*) from {SCHEMA}.events").fetchall()  # noqa: S608
    # a kill leaves both; another version since then must begin anew
    reached, _, of = (properties.get(connection, REACHED) or "").partition(" ")
    if of != wanted:
        reached = ""
    if total:
        log.info("derivation_started", events=total, after_event_id=reached or None)
    # what no load brought yet, or none that is known, is still to be loaded
    has_loaded = connection.execute(f"select 1 from {SCHEMA}._dlt_loads limit 1").fetchall()  # noqa: S608
    if has_loaded and not reached:
        everything = ReplayRequest("derivation")
        # only what the warehouse does not say elsewhere: a fold of some events that are right
        # and some that are not yet would stay in the row of the call
        as_delivered = (EVENTS, QUARANTINE)
        replay(
            everything,
            settings,
            buffer,
            normalizer,
            warehouse,
            lambda done, of: None,
            only=as_delivered,
        )
    done = logged = 0
    for events in _batches(connection, reached, settings.batch_bytes):

        def do(start: int, stop: int, events: pa.Table = events) -> None:
            for part, tables in _derived(normalizer, events.slice(start, stop - start)):
                event_ids = part["event_id"].to_pylist()
                with closing(connection.cursor()) as cursor, transaction(cursor):
                    reconcile(warehouse, cursor, normalizer, event_ids, tables)
                    properties.put(cursor, REACHED, f"{event_ids[-1]} {wanted}")

        def skip(index: int, events: pa.Table = events) -> None:
            log.error("event_not_derived", event_id=events["event_id"][index].as_py())

        in_halves(0, events.num_rows, do, room=partial(room, connection, normalizer), skip=skip)
        done += events.num_rows
        progress(done, total)
        if done - logged >= LOGGED_EVERY:
            logged = done
            log.info("derivation_goes_on", done=done, events=total)
    with closing(connection.cursor()) as cursor, transaction(cursor):
        mark_all_stale(cursor)
        properties.put(cursor, properties.DERIVATION, wanted)
        properties.put(cursor, REACHED, "")
        properties.put(cursor, properties.MODELS, "")  # views on tables that have other columns now
    if total:
        log.info("derivation_finished", events=total)
    return True


def _batches(
    connection: duckdb.DuckDBPyConnection, after: str, max_bytes: int
) -> Iterator[pa.Table]:
    """The events behind an id, in order: so many at once that their text fits."""
    columns = ", ".join(EVENTS.column_names)
    while True:
        # Two statements: the sizes in order, which DuckDB sorts without the texts, then those.
        sizes = connection.execute(
            f"select event_id, coalesce(strlen(payload), 0) + coalesce(strlen(extra), 0)"  # noqa: S608
            f" from {SCHEMA}.events where event_id in ("
            f"  select event_id from {SCHEMA}.events where event_id > ?1"
            f"  order by event_id limit {EVENTS_AT_ONCE}) and event_id > ?1 order by event_id",
            [after],
        ).fetchall()
        if not sizes:
            return
        up_to = next(
            (
                index
                for index, size in enumerate(accumulate(size for _, size in sizes))
                if size > max_bytes and index
            ),
            len(sizes),
        )
        last = sizes[up_to - 1][0]
        events = connection.sql(
            f"select {columns} from {SCHEMA}.events"  # noqa: S608
            " where event_id > ? and event_id <= ? order by event_id",
            params=[after, last],
        ).to_arrow_table()
        yield events.cast(EVENTS.nullable_arrow_schema)
        after = last


def _derived(
    normalizer: Normalizer, events: pa.Table
) -> Iterator[tuple[pa.Table, dict[str, pa.Table]]]:
    try:
        yield events, normalizer.derived(events)
    except (BatchTooLarge, duckdb.Error):
        if events.num_rows == 1:
            log.error("event_not_derived", event_id=events["event_id"][0].as_py())
            nothing = pa.nulls(1, pa.string())
            index = events.schema.get_field_index("payload")
            yield events, normalizer.derived(events.set_column(index, "payload", nothing))
            return
        half = events.num_rows // 2
        for part in (events.slice(0, half), events.slice(half)):
            yield from _derived(normalizer, part)
