"""One load: from the staging buffer to what readers see of the warehouse.

1. Drop what an interrupted load left in dlt's folder: the buffer has it still. Make the derived
   rows again where another version made them.
2. Ask the warehouse up to which position it holds this buffer, and go on from there.
3. Batch by batch: read, normalize, mark the calls stale, load, ask the warehouse again, and only
   then confirm.
4. Make the models, and then make all of it visible, if anything is new.
5. Do a replay that was asked for.
6. Let the buffer discard what is confirmed and old.

A kill at any point loses nothing and doubles nothing: a batch is one transaction, every table is
keyed, and the position is the warehouse's word.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import dataclass

import duckdb
import structlog

from fluents_connector.buffer import Buffer, open_buffer
from fluents_connector.errors import FluentsError, LoadFailed, LoadRunning
from fluents_connector.loader_state import ReplayAnswer, ReplayRequest, loader_state
from fluents_connector.settings import Settings
from fluents_pipelines.batches import Batches, Normalized
from fluents_pipelines.derivation import derive_again
from fluents_pipelines.disk_space import limit_spilling, require_room
from fluents_pipelines.memory import is_of_the_data, room_for_one
from fluents_pipelines.models import incremental
from fluents_pipelines.models.analytics import Analytics
from fluents_pipelines.normalize import Normalizer
from fluents_pipelines.replay import replay
from fluents_pipelines.reporting import LoadOutcome, failure_to_open_reported, reported
from fluents_pipelines.resume import require_the_same_buffer, where_to_go_on
from fluents_pipelines.source import fluents_source
from fluents_pipelines.table_files import fingerprint
from fluents_pipelines.tables import CALLS
from fluents_pipelines.warehouse import comments, open_warehouse, published

Progress = Callable[[int, int], None]
"""Told how many deliveries are loaded, of how many."""

DAY_MICROSECONDS = 24 * 3600 * 1_000_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a load did: `deliveries` it took, of which batches, in how many seconds."""

    deliveries: int
    batches: int
    seconds: float
    published: bool


def nothing_to_load(settings: Settings, buffer: Buffer) -> bool:
    """Whether a load would change nothing, by what buffer and warehouse say of themselves.

    Quick: reads a few rows. While another load runs, what is left to do is that one's to judge.
    """
    counts = buffer.counts()
    loader = loader_state(settings)
    report = loader.report()
    if (
        counts.last_position != counts.confirmed_position
        or report is None
        or not report.succeeded
        or loader.asked() is not None
    ):
        return False
    try:
        state = published(settings).state()
        if (
            state is None
            or state.positions.get(buffer.buffer_id, 0) != counts.confirmed_position
            or not Analytics(settings).are_those_of(state)
            or state.derivation != fingerprint()
        ):
            return False
        return published(settings).is_current()
    except LoadRunning:
        return True
    except (LoadFailed, OSError, duckdb.Error):
        return False  # the load says why


def discard_old(settings: Settings, buffer: Buffer) -> None:
    """Lets the buffer discard what is confirmed and older than the settings keep it."""
    now = time.time_ns() // 1000
    buffer.discard(
        loaded_before=now - int(settings.buffer_keep_days * DAY_MICROSECONDS),
        quarantined_before=now - int(settings.quarantine_keep_days * DAY_MICROSECONDS),
    )


class Loader:
    """Loads again and again with everything open. Close it, or use it in a `with` block.

    Raises `LoadRunning` where another process loads into the same warehouse.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._analytics = Analytics(settings)
        self._state = loader_state(settings)
        self._taken_up_to: int | None = None
        with failure_to_open_reported(self._state), ExitStack() as opened:
            self._warehouse = opened.enter_context(open_warehouse(settings))
            self._taken_back_at = self._warehouse.taken_back_at
            self._buffer = opened.enter_context(closing(open_buffer(settings)))
            incremental.prepare(self._warehouse.connection)
            self._normalizer = opened.enter_context(
                Normalizer(
                    settings.payload_fields,
                    memory_limit=settings.memory_limit,
                    spill_folder=settings.data_dir / "spill",
                )
            )
            self._opened = opened.pop_all()

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives up all that it has open, the warehouse last."""
        self._opened.close()

    def load(
        self, progress: Progress = lambda done, total: None, *, is_last: bool = False
    ) -> LoadResult:
        """Loads everything that was in the buffer when it began.

        Makes it visible if that is due. The last load does so in any case; if it fails, the
        next start does.
        """
        started_at = time.time()
        with reported(self._state, started_at) as outcome:
            dropped = self._warehouse.drop_pending()
            outcome.taken_back_at = self._taken_back_at or outcome.taken_back_at
            derive_again(self._settings, self._buffer, self._normalizer, self._warehouse)
            self._load_batches(outcome, progress)
            if outcome.batches or dropped:
                self._warehouse.maintain()
            is_current = self._is_current()
            if is_current:
                outcome.publish_waits = None
            was_published = not is_current and self._publish(outcome, is_last=is_last)
            if request := self._state.asked():
                was_published = self._replay(request, outcome, progress)
            # Before that, what is discarded would be lost for readers if the loader's side is.
            if is_current or was_published or outcome.publish_waits:
                discard_old(self._settings, self._buffer)
        return LoadResult(
            outcome.deliveries, outcome.batches, time.time() - started_at, was_published
        )

    def has_arrivals(self) -> bool:
        """Whether the buffer has deliveries that the last load did not take.

        Cheap enough to be asked many times a second. Raises `BufferUnavailable`.
        """
        return self._buffer.last_position() != self._taken_up_to

    def _load_batches(self, outcome: LoadOutcome, progress: Progress) -> None:
        buffer, settings = self._buffer, self._settings
        was_confirmed = buffer.counts().confirmed_position
        start, event_id = where_to_go_on(buffer, self._warehouse)
        position = start
        buffer.confirm(position, event_id)
        up_to = buffer.counts().last_position
        total = up_to - position
        progress(0, total)
        self._limit_spilling()
        with closing(
            Batches(
                buffer,
                self._normalizer,
                settings,
                self._warehouse.known_calls,
                after=position,
                up_to=up_to,
            )
        ) as normalized:
            for batch in normalized:
                require_the_same_buffer(batch, event_id)
                row_bytes = sum(table.nbytes for table in batch.tables.values())
                if row_bytes:
                    require_room(settings.data_dir, row_bytes, settings.disk_reserve_bytes)
                self._limit_spilling()
                self._mark_stale(batch)
                if not self._try_batch(normalized, batch):
                    continue
                position, event_id = self._confirm(batch)
                outcome.batches += 1
                outcome.deliveries += len(batch.event_ids)
                progress(total - (up_to - position), total)
        self._taken_up_to = up_to
        if start < was_confirmed and outcome.deliveries < total:
            log.warning(
                "history_lost",
                deliveries=total - outcome.deliveries,
                after_position=start,
                up_to_position=was_confirmed,
                hint="They were loaded once, the buffer has discarded them, and the loader's file "
                "does not hold them. Is there a backup of the published warehouse?",
            )

    def _limit_spilling(self) -> None:
        folder, reserve = self._settings.data_dir, self._settings.disk_reserve_bytes
        limit_spilling(self._warehouse.connection, folder, reserve)
        self._normalizer.limit_spilling(folder, reserve)

    def _try_batch(self, normalized: Batches, batch: Normalized) -> bool:
        """Loads a batch; or has it given again otherwise where the warehouse cannot take it so.

        In halves, down to a single delivery, which gets more memory, and at last as text only.
        """
        is_one, is_text_only = len(batch.event_ids) == 1, normalized.is_text_only(batch)
        memories: list[AbstractContextManager[None]] = [nullcontext()]
        if is_one:
            memories.append(room_for_one(self._warehouse.connection))
        for memory in memories[is_text_only:]:
            try:
                with memory:
                    self._load_batch(batch)
            except LoadFailed as error:
                if not is_of_the_data(error) or is_text_only:
                    raise
                log.warning("batch_not_loaded", rows=len(batch.event_ids), up_to=batch.up_to)
            else:
                return True
        if is_one:
            log.error("delivery_loaded_as_text_only", event_id=batch.event_ids[0])
        normalized.again(batch, text_only=is_one)
        return False

    def _load_batch(self, batch: Normalized) -> None:
        is_new = self._warehouse.is_new_to_dlt()
        self._warehouse.load(fluents_source(batch, empty_tables=is_new))

    def _mark_stale(self, batch: Normalized) -> None:
        """Marks the calls of a batch, before anything of them is loaded."""
        calls = batch.tables[CALLS.name].select(["call_id", "first_event_at", "last_event_at"])
        incremental.mark_stale(self._warehouse.connection, calls)

    def _confirm(self, batch: Normalized) -> tuple[int, str | None]:
        """Tells the buffer what the warehouse holds, if that is the batch."""
        warehouse, buffer_id = self._warehouse, batch.buffer_id
        position, event_id = warehouse.position(buffer_id)
        missing = warehouse.missing(batch.event_ids)
        if position != batch.up_to or missing:
            raise LoadFailed(
                f"The warehouse lacks {len(missing)} of the {len(batch.event_ids)} deliveries of a "
                f"batch. It is at position {position} instead of {batch.up_to}. The buffer keeps "
                "them; load again."
            )
        self._buffer.confirm(position, event_id)
        return position, event_id

    def _make_tables(self) -> None:
        if self._warehouse.is_new_to_dlt():
            nothing = self._buffer.read(0, 0, max_rows=1, max_bytes=1)
            self._load_batch(Normalized.of(nothing, self._normalizer.tables(nothing)))

    def _replay(self, request: ReplayRequest, outcome: LoadOutcome, progress: Progress) -> bool:
        """Does a replay that was asked for. A failed one is not tried again by itself."""
        try:
            self._make_tables()
            self._warehouse.mark_changed()
            result = replay(
                request, self._settings, self._buffer, self._normalizer, self._warehouse, progress
            )
            # also where nothing changed: a former try may have been killed before this
            was_published = self._publish(outcome, is_last=True)
        except Exception as error:
            # Not the text of any error: it may quote a body, which is somebody's conversation.
            reason = str(error) if isinstance(error, FluentsError) else type(error).__name__
            self._state.answer(ReplayAnswer(request.request_id, error=reason))
            raise
        self._state.answer(result)
        return was_published

    def _publish(self, outcome: LoadOutcome, *, is_last: bool) -> bool:
        """Makes the models and makes all visible, if that is due or the last chance; says whether.

        What is not due, or has no room, waits for a later load, whether that has anything to load
        or not.
        """
        warehouse = self._warehouse
        if not is_last and not warehouse.is_due():
            return False
        did_wait, outcome.publish_waits = outcome.publish_waits, warehouse.lacks_room()
        if outcome.publish_waits is not None:
            if did_wait is None:
                log.warning("publish_waits", reason=outcome.publish_waits)
            return False
        self._make_models(outcome)
        outcome.published = warehouse.make_visible()
        return True

    def _make_models(self, outcome: LoadOutcome) -> None:
        self._make_tables()
        comments.describe(self._warehouse.connection)
        outcome.model_errors = self._analytics.make(
            self._warehouse.connection, outcome.model_errors
        )

    def _is_current(self) -> bool:
        """Whether readers see all that there is, with the models of now."""
        return self._warehouse.is_visible() and self._analytics.are_those_of(
            self._warehouse.state()
        )
