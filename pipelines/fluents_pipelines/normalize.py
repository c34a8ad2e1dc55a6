"""Turns a batch of deliveries into the warehouse's rows, by SQL in an in-memory DuckDB.

It promises that no delivery stops a batch. A body that the SQL cannot take becomes an event
whose `extra` holds the body as text, so that nothing is lost and everything else is loaded.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import structlog

from fluents_connector.buffer import Batch, StoredDelivery
from fluents_pipelines.delivery_rows import (
    as_arrow,
    as_text_only,
    multiplies,
    without_half_surrogates,
)
from fluents_pipelines.disk_space import limit_spilling
from fluents_pipelines.memory import is_too_much, room_for_one
from fluents_pipelines.parsed_sql import parsed
from fluents_pipelines.sql_files import SqlFile, references, sql_folder
from fluents_pipelines.sql_text import json_path
from fluents_pipelines.table_files import fingerprint, read_table_files
from fluents_pipelines.tables import BY_NAME, CALLS, EVENTS, QUARANTINE, Table

# Of one table's rows of a batch. They lie outside of the engine, so its limit does not hold them:
# 9 MB of short turns of a call whose id has 1,000 characters would be 1.8 GB.
MOST_ROW_BYTES = 512 * 1024**2
ROWS_AT_ONCE = 10_000  # that become Arrow before they are counted
FEW_BYTES = 1024**2  # of a batch, about 2,000 events

log = structlog.get_logger(__name__)

KnownCalls = Callable[[pa.Table], pa.Table]
"""Given a table with one column `call_id`, the rows of `calls` that the warehouse has for them."""


class BatchTooLarge(Exception):
    """The batch needs more memory than the SQL may have; half of it may fit."""


class Normalizer:
    """Runs the SQL of `sql/tables` on batches. Close it, or use it in a `with` block."""

    def __init__(
        self,
        payload_fields: Mapping[str, Sequence[str]],
        *,
        memory_limit: str = "256MB",
        spill_folder: Path | None = None,
        folder: Path | None = None,
    ) -> None:
        self._steps = read_table_files(folder)
        (calls,) = (file for file, table in self._steps if table is CALLS)
        self.sources_of_calls = references(calls) & BY_NAME.keys()
        """The names of the tables that `calls` is folded from."""
        self.fingerprint = fingerprint(self._steps)
        """Of the SQL that it runs; see `fluents_pipelines.table_files`."""
        self._names = [table.name for _, table in self._steps]
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": memory_limit,
                "temp_directory": str(spill_folder or ""),  # "" where nothing may be written
                "python_enable_replacements": False,  # a name in the SQL is never a Python variable
            },
        )
        self._are_few = False
        self._connection.execute("set timezone = 'UTC'")
        for fact, names in payload_fields.items():
            self._set_variable(f"{fact}_names", names)
            self._set_variable(f"{fact}_paths", [json_path(name) for name in names])
        self._connection.execute((sql_folder() / "macros.sql").read_text(encoding="utf-8"))

    def __enter__(self) -> Normalizer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Frees the in-memory database."""
        self._connection.close()

    def limit_spilling(self, folder: Path, reserve: int) -> None:
        """See `fluents_pipelines.disk_space`."""
        limit_spilling(self._connection, folder, reserve)

    def room_for_one(self) -> AbstractContextManager[None]:
        """See `fluents_pipelines.memory`."""
        return room_for_one(self._connection)

    def tables(
        self, batch: Batch, *, text_only: bool = False, known_calls: KnownCalls | None = None
    ) -> dict[str, pa.Table]:
        """The rows of `batch` for each table of `fluents_pipelines.tables.NORMALIZED`, by its name.

        `calls` holds what `known_calls` gives for the same calls too; without it, what the batch
        alone says of them: see `with_known`. With `text_only` nothing is read out of the bodies.
        Raises `BatchTooLarge` where several deliveries together need too much memory.
        """
        rows = [
            as_text_only(row) if text_only or multiplies(row, MOST_ROW_BYTES) else row
            for row in batch.rows
        ]
        if text_only:
            with room_for_one(self._connection):
                return self._run(as_arrow(batch.buffer_id, rows), known_calls)
        try:
            return self._run(as_arrow(batch.buffer_id, rows), known_calls)
        except duckdb.OutOfMemoryException as error:
            if len(rows) > 1:
                raise BatchTooLarge from error
            return self._run_one_large(batch.buffer_id, rows[0], known_calls)
        except (duckdb.Error, pa.ArrowException) as error:
            # Not its text: that quotes the body, which is somebody's conversation.
            log.warning("batch_not_normalized", rows=len(rows), error=type(error).__name__)
        unreadable = self._unreadable(batch.buffer_id, rows)
        readable = [as_text_only(row) if row.position in unreadable else row for row in rows]
        return self._run(as_arrow(batch.buffer_id, readable), known_calls)

    def derived(self, events: pa.Table) -> dict[str, pa.Table]:
        """The rows that rows of `events` give in the tables made from them.

        `calls` is what these events alone say of them, as in `tables`.
        Raises `BatchTooLarge` where several events together need too much memory.
        """
        try:
            return self._run_derived(events)
        except duckdb.OutOfMemoryException as error:
            if events.num_rows > 1:
                raise BatchTooLarge from error
            with room_for_one(self._connection):
                return self._run_derived(events)

    def _run_derived(self, events: pa.Table) -> dict[str, pa.Table]:
        tables: dict[str, pa.Table] = {}
        self._connection.register(EVENTS.name, events)
        self._connection.register("known_calls", CALLS.arrow_schema.empty_table())
        try:
            for file, table in self._steps:
                if table not in (EVENTS, QUARANTINE):
                    tables[table.name] = self._rows(file, table)
                    self._connection.register(table.name, tables[table.name])
        finally:
            for name in (EVENTS.name, "known_calls", *tables):
                self._connection.unregister(name)
        return tables

    def calls(self, known: Mapping[str, pa.Table]) -> pa.Table:
        """The rows of `calls` that `known` gives: all rows of some calls, by table.

        Its own `calls` are what was known of them; what their events say counts more.
        """
        try:
            for name in self.sources_of_calls:
                self._connection.register(name, known[name])
            self._connection.register("known_calls", known[CALLS.name])
            (file,) = (file for file, table in self._steps if table is CALLS)
            return self._rows(file, CALLS)
        finally:
            for name in ("known_calls", *self.sources_of_calls):
                self._connection.unregister(name)

    def with_known(self, tables: Mapping[str, pa.Table], known: pa.Table) -> pa.Table:
        """The rows of `calls` of a batch's `tables`, with what was `known` of the same calls."""
        calls = tables[CALLS.name]
        if not known.num_rows:
            return calls
        is_known = pc.is_in(calls["call_id"], value_set=known["call_id"].combine_chunks())
        return pa.concat_tables([calls.filter(pc.invert(is_known)), self._folded(tables, known)])

    def _folded(self, tables: Mapping[str, pa.Table], known: pa.Table) -> pa.Table:
        """The rows of `known` calls together with their events in `tables`."""
        ids = known["call_id"].combine_chunks()
        rows = {
            name: tables[name].filter(pc.is_in(tables[name]["call_id"], value_set=ids))
            for name in self.sources_of_calls
        }
        try:
            return self.calls({**rows, CALLS.name: known})
        except duckdb.OutOfMemoryException:
            if known.num_rows == 1:
                with room_for_one(self._connection):
                    return self.calls({**rows, CALLS.name: known})
        half = known.num_rows // 2
        return pa.concat_tables(
            [self._folded(tables, part) for part in (known.slice(0, half), known.slice(half))]
        )

    def _run(
        self, deliveries: pa.Table, known_calls: KnownCalls | None = None
    ) -> dict[str, pa.Table]:
        try:
            self._are_few = deliveries.nbytes <= FEW_BYTES
            return self._run_steps(deliveries, known_calls)
        finally:
            self._are_few = False
            # A registered table is held, and while dlt loads this batch it needs the memory.
            for name in ("deliveries", "raw_deliveries", "known_calls", *self._names):
                self._connection.unregister(name)

    def _run_one_large(
        self, buffer_id: str, row: StoredDelivery, known_calls: KnownCalls | None
    ) -> dict[str, pa.Table]:
        with room_for_one(self._connection):
            try:
                return self._run(as_arrow(buffer_id, [row]), known_calls)
            except duckdb.OutOfMemoryException:
                log.warning("body_too_large_for_memory", event_id=row.event_id)
                return self._run(as_arrow(buffer_id, [as_text_only(row)]), known_calls)

    def _run_steps(
        self, deliveries: pa.Table, known_calls: KnownCalls | None
    ) -> dict[str, pa.Table]:
        tables: dict[str, pa.Table] = {}
        self._connection.register("deliveries", self._repair(deliveries))
        self._connection.register("known_calls", CALLS.arrow_schema.empty_table())
        types = set(deliveries["type"].unique().to_pylist())
        for file, table in self._steps:
            if table is CALLS and known_calls is not None:
                self._connection.register("known_calls", known_calls(call_ids(tables)))
            if not table.event_types or types.intersection(table.event_types):
                rows = self._rows(file, table)
            else:  # planning the SQL would take as long as all else does for one event
                rows = table.arrow_schema.empty_table()
            self._connection.register(table.name, rows)
            tables[table.name] = rows
        return tables

    def _rows(self, file: SqlFile, table: Table) -> pa.Table:
        columns = ", ".join(column.name for column in table.columns)
        reader = self._reader(f"select {columns} from ({file.sql}\n)")  # noqa: S608 # our own SQL
        parts, size = [], 0
        try:
            with reader:  # DuckDB does nothing else before it is closed
                for part in reader:
                    parts.append(part)
                    size += part.nbytes
                    if size > MOST_ROW_BYTES:
                        raise duckdb.OutOfMemoryException(f"{table.name}: {size} bytes of rows")
        except (OSError, RuntimeError, pa.ArrowException) as error:
            # Arrow keeps nothing of DuckDB's error but its text
            if is_too_much(error):
                raise duckdb.OutOfMemoryException(f"{table.name}: out of memory") from error
            raise pa.ArrowException(f"{table.name}: {type(error).__name__}") from error
        return pa.Table.from_batches(parts, reader.schema).cast(table.arrow_schema)

    def _reader(self, sql: str) -> pa.RecordBatchReader:
        if not self._are_few:
            return self._connection.sql(sql).to_arrow_reader(ROWS_AT_ONCE)
        # The rows of a relation are never all in memory, but DuckDB plans it twice.
        result = self._connection.execute(parsed(sql))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of the copy, which is meant
            return result.to_arrow_reader(ROWS_AT_ONCE)

    def _repair(self, deliveries: pa.Table) -> pa.Table:
        """Replaces halves of surrogate pairs, which DuckDB's JSON refuses, by U+FFFD."""
        self._connection.register("raw_deliveries", deliveries)
        broken = self._connection.execute(
            "select position from raw_deliveries where reason is null and not json_valid(body)"
        ).fetchall()
        if not broken:
            return deliveries
        positions = {position for (position,) in broken}
        bodies = [
            without_half_surrogates(body) if position in positions else body
            for position, body in zip(
                deliveries["position"].to_pylist(), deliveries["body"].to_pylist(), strict=True
            )
        ]
        index = deliveries.schema.get_field_index("body")
        return deliveries.set_column(index, "body", pa.array(bodies, pa.string()))

    def _unreadable(self, buffer_id: str, rows: list[StoredDelivery]) -> set[int]:
        """The positions of the deliveries that the SQL cannot take, by halving."""
        try:
            self._run(as_arrow(buffer_id, rows))
        except (duckdb.Error, pa.ArrowException) as error:
            if len(rows) == 1:
                log.error("body_unreadable", event_id=rows[0].event_id, error=type(error).__name__)
                return {rows[0].position}
            half = len(rows) // 2
            return self._unreadable(buffer_id, rows[:half]) | self._unreadable(
                buffer_id, rows[half:]
            )
        return set()

    def _set_variable(self, name: str, values: Sequence[str]) -> None:
        self._connection.execute(f"set variable {name} = ?::varchar[]", [list(values)])


def call_ids(tables: Mapping[str, pa.Table]) -> pa.Table:
    """The calls, in one column `call_id`, of which the events in `tables` say something."""
    events = tables[EVENTS.name]
    return pa.table(
        {"call_id": events.filter(pc.is_null(events["duplicate_of"]))["call_id"].unique()}
    )
