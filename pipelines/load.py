"""One load: from the staging buffer to the published warehouse.

1. Finish what an interrupted load left in dlt's folder.
2. Ask the warehouse up to which position it holds this buffer, and go on from there.
3. Batch by batch: read, normalize, load, ask the warehouse again, and only then confirm.
4. Let the buffer discard what is confirmed and old, and publish if anything is new.

A kill at any point loses nothing and doubles nothing: every table is keyed, and the position
is the warehouse's word.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from filelock import FileLock, Timeout

from connector.buffer import Buffer, open_buffer
from connector.errors import FluentsError, LoadFailed, LoadRunning
from connector.load_report import LoadReport, read_report, write_report
from connector.settings import Settings
from pipelines import models
from pipelines.normalize import Normalizer
from pipelines.publish import Publisher
from pipelines.source import fluents_source
from pipelines.warehouse import Warehouse

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
        and report.published == models.fingerprint(models.models())
        and settings.warehouse_path.exists()
    )


class Loader:
    """Loads again and again with everything open. Close it, or use it in a `with` block.

    Raises `LoadRunning` where another process loads into the same warehouse.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(settings.data_dir / "load.lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise LoadRunning(
                f"Another load is running on {settings.data_dir}. It will load what is pending; "
                "wait for it, or stop it first."
            ) from None
        try:
            self._buffer = open_buffer(settings)
            self._warehouse = Warehouse(settings)
        except BaseException:
            self._lock.release()
            raise
        self._normalizer = Normalizer(
            settings.payload_fields,
            memory_limit=settings.memory_limit,
            spill_folder=settings.data_dir / "spill",
        )
        self._publisher = Publisher(self._warehouse.path, settings.warehouse_path)
        self._models = models.models()

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives up all files, the lock last."""
        self._normalizer.close()
        self._warehouse.close()
        self._publisher.close()
        self._buffer.close()
        self._lock.release()

    def load(self, progress: Progress = lambda done, total: None) -> LoadResult:
        """Loads everything that was in the buffer when it began."""
        started_at = time.time()
        fingerprint = models.fingerprint(self._models)
        with self._reported(started_at) as done:
            finished = self._warehouse.finish_pending()
            batches = self._load_batches(done, progress)
            self._discard()
            if batches or finished:
                self._warehouse.forget_loaded_packages()
            report = read_report(self._settings.data_dir)
            news = bool(done.deliveries or finished)
            outdated = report is None or report.published != fingerprint or not report.succeeded
            published = news or outdated or not self._settings.warehouse_path.exists()
            if published:
                if self._warehouse.is_new:
                    self._create_tables()
                if outdated or self._models_missing():
                    models.build(self._warehouse.connection, self._models)
                self._publisher.publish(self._warehouse.connection)
                done.published = fingerprint
        return LoadResult(done.deliveries, batches, time.time() - started_at, published)

    def _load_batches(self, done: _Done, progress: Progress) -> int:
        buffer, warehouse, settings = self._buffer, self._warehouse, self._settings
        position = warehouse.position(buffer.buffer_id)
        buffer.confirm(position)
        up_to = buffer.counts().last_position
        total = up_to - position
        batches = 0
        progress(0, total)
        while position < up_to:
            batch = buffer.read(
                position, up_to, max_rows=settings.batch_rows, max_bytes=settings.batch_bytes
            )
            warehouse.load(
                fluents_source(
                    batch,
                    self._normalizer,
                    warehouse.known_calls,
                    empty_tables=warehouse.is_new,
                )
            )
            position = warehouse.position(buffer.buffer_id)
            held = warehouse.held(buffer.buffer_id, batch.after, batch.up_to)
            if position != batch.up_to or held < len(batch.rows):
                raise LoadFailed(
                    f"The warehouse holds {held} of {len(batch.rows)} deliveries of a batch, up "
                    f"to position {position} instead of {batch.up_to}. The buffer keeps them; "
                    "load again."
                )
            buffer.confirm(position)
            batches += 1
            done.deliveries += len(batch.rows)
            progress(total - (up_to - position), total)
        return batches

    def _create_tables(self) -> None:
        empty = self._buffer.read(0, 0, max_rows=1, max_bytes=1)
        self._warehouse.load(fluents_source(empty, self._normalizer))

    def _models_missing(self) -> bool:
        made = self._warehouse.views(models.ANALYTICS)
        return not {file.name for file in self._models} <= made

    def _discard(self) -> None:
        now = time.time_ns() // 1000
        settings = self._settings
        self._buffer.discard(
            loaded_before=now - int(settings.buffer_keep_days * DAY_MICROSECONDS),
            quarantined_before=now - int(settings.quarantine_keep_days * DAY_MICROSECONDS),
        )

    @contextmanager
    def _reported(self, started_at: float) -> Iterator[_Done]:
        former = read_report(self._settings.data_dir)
        done = _Done(former.published if former else "")
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
        finally:
            if error or done.deliveries or former is None or done.published != former.published:
                write_report(
                    self._settings.data_dir,
                    LoadReport(
                        started_at,
                        time.time(),
                        done.deliveries,
                        error is None,
                        error,
                        done.published,
                    ),
                )


@dataclass(slots=True)
class _Done:
    published: str
    deliveries: int = 0
