"""The batches of a load: while one is being loaded, the next is normalized, and a third is read.

Each of them has a thread, and an engine that does most of it outside of Python, so a backlog keeps
two cores busy.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from fluents_connector.buffer import Batch, Buffer
from fluents_connector.settings import Settings
from fluents_pipelines.normalize import BatchTooLarge, KnownCalls, Normalizer, call_ids
from fluents_pipelines.tables import CALLS


@dataclass(frozen=True, slots=True)
class Normalized:
    """A batch of a buffer as rows by table, without its bodies, which would take memory twice."""

    buffer_id: str
    after: int
    up_to: int
    after_event_id: str | None
    event_ids: list[str]
    tables: dict[str, pa.Table]

    @classmethod
    def of(cls, batch: Batch, tables: dict[str, pa.Table]) -> Normalized:
        """The batch that gave these `tables`."""
        event_ids = [row.event_id for row in batch.rows]
        return cls(
            batch.buffer_id, batch.after, batch.up_to, batch.after_event_id, event_ids, tables
        )


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
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="read")
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="normalize")
        self._next: Future[Batch] | None = None
        self._ahead: Future[Normalized] | None = None
        self._text_only_after: int | None = None
        # of the one batch that is read while none is being loaded, so it knows the calls at once
        self._first_after: int | None = after
        self._go_on(after)

    def __iter__(self) -> Iterator[Normalized]:
        while self._ahead:
            batch = self._ahead.result()
            if batch.after != self._first_after:
                known = self._known(call_ids(batch.tables))
                # here and not in the thread, as the normalizer does one thing at a time
                batch.tables[CALLS.name] = self._normalizer.with_known(batch.tables, known)
            self._go_on(batch.up_to)
            yield batch

    def again(self, batch: Normalized, *, text_only: bool = False) -> None:
        """Gives the deliveries of `batch`, which could not be loaded, once more.

        In halves; or a single one with nothing read out of its body, which is kept as text.
        """
        if self._ahead:
            wait([self._ahead])
        self._first_after = None
        self._max_rows = max(1, len(batch.event_ids) // 2)
        if text_only:
            self._text_only_after = batch.after
        self._go_on(batch.after, text_only=text_only)

    def is_text_only(self, batch: Normalized) -> bool:
        """Whether nothing was read out of the bodies of `batch`."""
        return self._text_only_after == batch.after

    def close(self) -> None:
        """Waits for what is under way."""
        self._worker.shutdown()
        self._reader.shutdown()

    def _go_on(self, after: int, *, text_only: bool = False) -> None:
        self._ahead = (
            self._worker.submit(self._normalize, after, text_only) if after < self._up_to else None
        )

    def _normalize(self, after: int, text_only: bool) -> Normalized:
        batch = self._take(after)
        while True:
            self._next = (
                self._reader.submit(self._read, batch.up_to) if batch.up_to < self._up_to else None
            )
            try:
                tables = self._normalizer.tables(
                    batch,
                    text_only=text_only,
                    known_calls=self._known if after == self._first_after else None,
                )
            except BatchTooLarge:
                self._max_rows = len(batch.rows) // 2
                batch = self._read(after)
                continue
            self._max_rows = min(self._max_rows * 2, self._settings.batch_rows)
            return Normalized.of(batch, tables)

    def _take(self, after: int) -> Batch:
        """The batch that was read ahead, if it is the one after `after`, or else one read now."""
        ahead, self._next = self._next, None
        if ahead is not None:
            batch = ahead.result()
            if batch.after == after and len(batch.rows) <= self._max_rows:
                return batch
        return self._read(after)

    def _read(self, after: int) -> Batch:
        return self._buffer.read(
            after, self._up_to, max_rows=self._max_rows, max_bytes=self._settings.batch_bytes
        )

    def _known(self, ids: pa.Table) -> pa.Table:
        """What is known of the calls, asked for in parts if that needs too much memory."""
        try:
            return self._known_calls(ids)
        except duckdb.OutOfMemoryException:
            if ids.num_rows == 1:
                raise
        half = ids.num_rows // 2
        parts = (ids.slice(0, half), ids.slice(half))
        return pa.concat_tables([self._known(part) for part in parts])
