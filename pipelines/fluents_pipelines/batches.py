"""The batches of a load: each is read and normalized while the one before is being loaded.

Both take about as long, in engines of their own, so a backlog takes two cores instead of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import duckdb
import pyarrow as pa

from fluents_connector.buffer import Batch, Buffer
from fluents_connector.settings import Settings
from fluents_pipelines.normalize import BatchTooLarge, Normalizer
from fluents_pipelines.tables import CALLS

KnownCalls = Callable[[pa.Table], pa.Table]
"""Given a table with one column `call_id`, the rows of `calls` that the warehouse has for them."""

Normalized = tuple[Batch, dict[str, pa.Table]]
"""A batch and its rows by table."""


class Batches:
    """The deliveries at positions `after < position <= up_to`, batch by batch.

    Take the next only when the one before is loaded: its calls are added to those that
    `known_calls` gives then. Close it (`contextlib.closing`) to wait for what is under way.
    """

    def __init__(
        self,
        buffer: Buffer,
        normalizer: Normalizer,
        settings: Settings,
        known_calls: KnownCalls,
        *,
        after: int,
        up_to: int,
    ) -> None:
        self._buffer = buffer
        self._normalizer = normalizer
        self._settings = settings
        self._known_calls = known_calls
        self._up_to = up_to
        self._max_rows = settings.batch_rows
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="normalize")
        self._ahead: Future[Normalized] | None = None
        self._text_only_after: int | None = None
        self._read_ahead(after)

    def __iter__(self) -> Iterator[Normalized]:
        while self._ahead:
            batch, tables = self._ahead.result()
            known = _known(tables[CALLS.name].select(CALLS.key), self._known_calls)
            # here and not in the thread, as the normalizer does one thing at a time
            tables[CALLS.name] = self._normalizer.with_known(tables, known)
            self._read_ahead(batch.up_to)
            yield batch, tables

    def again(self, batch: Batch, *, text_only: bool = False) -> None:
        """Gives the deliveries of `batch`, which could not be loaded, once more.

        In halves; or a single one with nothing read out of its body, which is kept as text.
        """
        if self._ahead:
            wait([self._ahead])
        self._max_rows = max(1, len(batch.rows) // 2)
        if text_only:
            self._text_only_after = batch.after
        self._read_ahead(batch.after, text_only=text_only)

    def is_text_only(self, batch: Batch) -> bool:
        """Whether nothing was read out of the bodies of `batch`."""
        return self._text_only_after == batch.after

    def close(self) -> None:
        """Waits for what is under way."""
        self._thread.shutdown()

    def _read_ahead(self, after: int, *, text_only: bool = False) -> None:
        self._ahead = (
            self._thread.submit(self._read, after, text_only) if after < self._up_to else None
        )

    def _read(self, after: int, text_only: bool) -> Normalized:
        most_bytes = self._settings.batch_bytes
        while True:
            batch = self._buffer.read(
                after, self._up_to, max_rows=self._max_rows, max_bytes=most_bytes
            )
            try:
                tables = self._normalizer.tables(batch, text_only=text_only)
            except BatchTooLarge:
                self._max_rows = len(batch.rows) // 2
                continue
            self._max_rows = min(self._max_rows * 2, self._settings.batch_rows)
            return batch, tables


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
