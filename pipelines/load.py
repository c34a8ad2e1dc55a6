"""One load: from the staging buffer to the published warehouse.

1. Drop what an interrupted load left in dlt's folder: the buffer has it still.
2. Ask the warehouse up to which position it holds this buffer, and go on from there.
3. Batch by batch: read, normalize, load, ask the warehouse again, and only then confirm.
4. Let the buffer discard what is confirmed and old, and publish if anything is new.

A kill at any point loses nothing and doubles nothing: every table is keyed, and the position
is the warehouse's word.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from filelock import FileLock, Timeout

from connector.buffer import Batch, Buffer, open_buffer
from connector.errors import FluentsError, LoadFailed, LoadRunning
from connector.load_report import LoadReport, read_report, write_report
from connector.settings import Settings
from pipelines import models
from pipelines.normalize import BatchTooLarge, Normalizer
from pipelines.publish import Publisher
from pipelines.source import fluents_source
from pipelines.tables import ALL_TABLES
from pipelines.warehouse import FILE, Warehouse

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
    """Whether a load would change nothing. Quick: asks the buffer and one small file only."""
    counts = buffer.counts()
    report = read_report(settings.data_dir)
    return (
        counts.last_position == counts.confirmed_position
        and report is not None
        and report.succeeded
        and report.models == models.fingerprint(models.models())
        and report.published == _place(buffer, counts.confirmed_position)
        and settings.warehouse_path.exists()
        and (settings.data_dir / FILE).exists()
    )


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
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        self._models = models.models()
        with ExitStack() as opened:
            opened.enter_context(_only_one(settings.data_dir))
            self._buffer = opened.enter_context(closing(open_buffer(settings)))
            # Closed after the warehouse: see Publisher.
            self._publisher = opened.enter_context(
                closing(Publisher(settings.data_dir / FILE, settings.warehouse_path))
            )
            self._warehouse = opened.enter_context(Warehouse(settings))
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
        """Gives up all files, the lock last."""
        self._opened.close()

    def load(self, progress: Progress = lambda done, total: None) -> LoadResult:
        """Loads everything that was in the buffer when it began."""
        started_at = time.time()
        with self._reported(started_at) as done:
            dropped = self._warehouse.drop_pending()
            position = self._load_batches(done, progress)
            discard_old(self._settings, self._buffer)
            if done.batches or dropped:
                self._warehouse.forget_loaded_packages()
            published = self._publish(done, _place(self._buffer, position))
        return LoadResult(done.deliveries, done.batches, time.time() - started_at, published)

    def _load_batches(self, done: _Done, progress: Progress) -> int:
        buffer, settings = self._buffer, self._settings
        position = self._start()
        buffer.confirm(position)
        up_to = buffer.counts().last_position
        total = up_to - position
        max_rows = settings.batch_rows
        progress(0, total)
        while position < up_to:
            batch = buffer.read(position, up_to, max_rows=max_rows, max_bytes=settings.batch_bytes)
            try:
                self._load_batch(batch)
            except BatchTooLarge:
                max_rows = len(batch.rows) // 2
                continue
            position = self._confirm(batch)
            done.batches += 1
            done.deliveries += len(batch.rows)
            max_rows = min(max_rows * 2, settings.batch_rows)
            progress(total - (up_to - position), total)
        return position

    def _start(self) -> int:
        """The position to go on from, by what the warehouse holds of this buffer."""
        buffer = self._buffer
        position, event_id = self._warehouse.position(buffer.buffer_id)
        there = buffer.event_id_at(position)
        was_restored = position > buffer.counts().last_position or (
            there is not None and event_id is not None and there != event_id
        )
        if not was_restored:
            return position
        log.warning("buffer_restored", position=position, buffer_id=buffer.buffer_id)
        buffer.renew()
        return 0

    def _load_batch(self, batch: Batch) -> None:
        self._warehouse.load(
            fluents_source(
                batch,
                self._normalizer,
                self._warehouse.known_calls,
                empty_tables=self._warehouse.lacks(*ALL_TABLES),
            )
        )

    def _confirm(self, batch: Batch) -> int:
        """Tells the buffer what the warehouse holds, if that is the batch."""
        warehouse, buffer_id = self._warehouse, batch.buffer_id
        position, _ = warehouse.position(buffer_id)
        held = warehouse.held([row[1] for row in batch.rows])
        if position != batch.up_to or held < len(batch.rows):
            raise LoadFailed(
                f"The warehouse holds {held} of {len(batch.rows)} deliveries of a batch, up to "
                f"position {position} instead of {batch.up_to}. The buffer keeps them; load again."
            )
        self._buffer.confirm(position)
        return position

    def _publish(self, done: _Done, place: str) -> bool:
        """Publishes unless the published file is up to date already; says whether it did."""
        fingerprint = models.fingerprint(self._models)
        is_current = done.models == fingerprint and done.published == place
        if is_current and self._settings.warehouse_path.exists():
            return False
        if self._warehouse.lacks(*ALL_TABLES):
            self._load_batch(self._buffer.read(0, 0, max_rows=1, max_bytes=1))
        views = self._warehouse.views(models.ANALYTICS)
        if done.models != fingerprint or not {file.name for file in self._models} <= views:
            models.build(self._warehouse.connection, self._models)
        self._publisher.publish(self._warehouse.connection)
        done.models, done.published = fingerprint, place
        return True

    @contextmanager
    def _reported(self, started_at: float) -> Iterator[_Done]:
        former = read_report(self._settings.data_dir)
        done = _Done(former.models, former.published) if former else _Done("", "")
        error: str | None = None
        try:
            yield done
        except FluentsError as failure:
            error = str(failure)
            raise
        except Exception as failure:
            error = f"The load stopped: {failure}. Nothing is lost: the buffer keeps it."
            log.exception("load_stopped")
            raise LoadFailed(error) from failure
        except BaseException:
            error = "The load was interrupted. The next one goes on."
            raise
        finally:
            is_news = former is None or not former.succeeded or done.published != former.published
            if error or done.deliveries or is_news:
                write_report(
                    self._settings.data_dir,
                    LoadReport(
                        started_at=started_at,
                        finished_at=time.time(),
                        deliveries=done.deliveries,
                        succeeded=error is None,
                        error=error,
                        models=done.models,
                        published=done.published,
                    ),
                )


@dataclass(slots=True)
class _Done:
    """What a load has done so far, and what is published."""

    models: str
    published: str
    deliveries: int = 0
    batches: int = 0


def _place(buffer: Buffer, position: int) -> str:
    return f"{buffer.buffer_id} {position}"


@contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    try:
        with FileLock(data_dir / "load.lock", timeout=0):
            yield
    except Timeout:
        raise LoadRunning(
            f"Another load is running on {data_dir}. It will load what is pending; wait for it, "
            "or stop it first."
        ) from None
