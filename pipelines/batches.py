"""The batches of a load: each is read and normalized while the one before is being loaded.

Both take about as long, in engines of their own, so a backlog takes two cores instead of one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pyarrow as pa

from connector.buffer import Batch, Buffer
from connector.settings import Settings
from pipelines.normalize import BatchTooLarge, Normalizer
from pipelines.tables import CALLS

KnownCalls = Callable[[pa.Table], pa.Table]
"""Given a table with one column `call_id`, the rows of `calls` that the warehouse has for them."""


def batches(
    buffer: Buffer,
    normalizer: Normalizer,
    settings: Settings,
    known_calls: KnownCalls,
    *,
    after: int,
    up_to: int,
) -> Generator[tuple[Batch, dict[str, pa.Table]]]:
    """The deliveries at positions `after < position <= up_to`, and their rows by table.

    Take the next only when the one before is loaded: its calls are added to those that
    `known_calls` gives then. Close it (`contextlib.closing`) to wait for what is under way.
    """
    max_rows = settings.batch_rows

    def read(after: int) -> tuple[Batch, dict[str, pa.Table]]:
        nonlocal max_rows
        while True:
            batch = buffer.read(after, up_to, max_rows=max_rows, max_bytes=settings.batch_bytes)
            try:
                tables = normalizer.tables(batch)
            except BatchTooLarge:
                max_rows = len(batch.rows) // 2
                continue
            max_rows = min(max_rows * 2, settings.batch_rows)
            return batch, tables

    with ThreadPoolExecutor(1, thread_name_prefix="normalize") as thread:
        ahead = thread.submit(read, after) if after < up_to else None
        while ahead:
            batch, tables = ahead.result()
            known = _known(tables[CALLS.name].select(CALLS.key), known_calls)
            # here and not in the thread, as the normalizer does one thing at a time
            tables[CALLS.name] = normalizer.with_known(tables, known)
            ahead = thread.submit(read, batch.up_to) if batch.up_to < up_to else None
            yield batch, tables


def _known(call_ids: pa.Table, known_calls: KnownCalls) -> pa.Table:
    """What is known of the calls, asked for in parts if that needs too much memory."""
    try:
        return known_calls(call_ids)
    except duckdb.OutOfMemoryException:
        if call_ids.num_rows == 1:
            raise
    half = call_ids.num_rows // 2
    parts = (call_ids.slice(0, half), call_ids.slice(half))
    return pa.concat_tables([_known(part, known_calls) for part in parts])
