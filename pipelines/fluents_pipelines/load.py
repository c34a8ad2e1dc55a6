"""One load: from the staging buffer to what readers see of the warehouse.

1. Drop what an interrupted load left in dlt's folder: the buffer has it still. Make the derived
   rows again where another version made them.
2. Ask the warehouse up to which position it holds this buffer, and go on from there.
3. Batch by batch: read, normalize, load with the models of its calls, ask the warehouse again, and
   only then confirm.
4. Make what models are left to be made, and then make all of it visible, if anything is new.
5. Do a replay that was asked for.
6. Let the buffer discard what is confirmed and old.

A kill at any point loses nothing and doubles nothing: a batch and its models are one transaction,
every table is keyed, and the position is the warehouse's word.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass

import duckdb
import structlog

from fluents_connector.buffer import Buffer, open_buffer
from fluents_connector.errors import FluentsError, LoadFailed, LoadRunning, ModelError
from fluents_connector.loader_state import ReplayAnswer, ReplayRequest, loader_state
from fluents_connector.settings import Settings
from fluents_pipelines.batch_loader import BatchLoader
from fluents_pipelines.batches import Batches, Normalized
from fluents_pipelines.derivation import derive_again
from fluents_pipelines.disk_space import limit_spilling, require_room
from fluents_pipelines.models import incremental
from fluents_pipelines.models.analytics import Analytics
from fluents_pipelines.normalize import Normalizer
from fluents_pipelines.replay import replay
from fluents_pipelines.reporting import LoadOutcome, failure_to_open_reported, reported
from fluents_pipelines.resume import require_the_same_buffer, where_to_go_on
from fluents_pipelines.table_files import fingerprint
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
            self._batch_loader = BatchLoader(self._warehouse, self._analytics)
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
            self._load_batches(outcome, progress, is_last=is_last)
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

    def _load_batches(self, outcome: LoadOutcome, progress: Progress, *, is_last: bool) -> None:
        buffer, settings = self._buffer, self._settings
        was_confirmed = buffer.counts().confirmed_position
        start, event_id = where_to_go_on(buffer, self._warehouse)
        position = start
        buffer.confirm(position, event_id)
        up_to = buffer.counts().last_position
        total = up_to - position
        progress(0, total)
        self._limit_spilling()
        if total:
            self._build_models()
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
                is_visible_next = batch.up_to == up_to and self._is_due(is_last=is_last)
                loaded = self._batch_loader.load(normalized, batch, is_visible_next=is_visible_next)
                if not loaded:
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

    def _build_models(self) -> None:
        """So that batches find their tables; what is wrong with them is said once all is loaded."""
        with suppress(ModelError):
            self._analytics.build(self._warehouse.connection)

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
            self._batch_loader.add(Normalized.of(nothing, self._normalizer.tables(nothing)))

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
        if not self._is_due(is_last=is_last):
            return False
        did_wait, outcome.publish_waits = outcome.publish_waits, warehouse.lacks_room()
        if outcome.publish_waits is not None:
            if did_wait is None:
                log.warning("publish_waits", reason=outcome.publish_waits)
            return False
        self._make_models(outcome)
        outcome.published = warehouse.make_visible()
        return True

    def _is_due(self, *, is_last: bool) -> bool:
        return is_last or self._warehouse.is_due()

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
