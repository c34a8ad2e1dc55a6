"""`load`: once, or again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluents_connector.errors import FluentsError, LoadRunning
from fluents_connector.process import stop_event
from fluents_warehouse.options import Duration, config_option

if TYPE_CHECKING:
    from fluents_connector.settings import Settings
    from fluents_pipelines.load import Loader, LoadResult, Progress

LOCK_SECONDS = 0.5  # between two tries while another load is running
SAY_SECONDS = 60.0  # between two lines of the log that say so
ARRIVAL_SECONDS = 0.025  # between two looks at the buffer: 0.1 % of a core
RETRY_SECONDS = 5.0  # after a failed load, so that a full disk does not fill the log as well


@click.command()
@click.option(
    "--every",
    type=Duration(),
    help="Load what arrives at once, but at most this often (500ms, 30s, 5m), until Ctrl-C or "
    "SIGTERM.",
)
@config_option
def load(every: float | None, config: Path | None) -> None:
    """Load what was received into the warehouse, and publish it.

    Ends with status 0 when all is loaded, 1 when something failed, 3 when another load is
    running; with --every it waits until that one ends. What failed is kept and loaded next time.
    """
    from fluents_connector.buffer import open_buffer
    from fluents_connector.logs import configure_logs
    from fluents_connector.settings import load_settings
    from fluents_pipelines.load import Loader, discard_old, nothing_to_load

    settings = load_settings(config)
    configure_logs(settings.log_format)
    if every is None:
        buffer = open_buffer(settings)
        try:
            idle = nothing_to_load(settings, buffer)
            if idle:
                discard_old(settings, buffer)
        finally:
            buffer.close()
        if idle:
            click.echo("Nothing to load.")
            return
        with Loader(settings) as loader, progress_bar("Loading") as progress:
            result = loader.load(progress)
        click.echo(describe(result))
        if result.published:
            click.echo(f"Published {settings.warehouse_path}.")
        return
    stop = stop_event()
    # In a thread of its own: dlt takes over the signals of the main thread while it loads.
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(_load_until, stop, settings, every)
        loading.add_done_callback(lambda _: stop.set())
        while not stop.wait(0.2):
            pass  # Python runs a signal handler only when the main thread gets a turn
        loading.result()


def _load_until(stop: threading.Event, settings: Settings, every: float) -> None:
    import structlog

    from fluents_connector.buffer import buffer_store
    from fluents_connector.loader_state import loader_state
    from fluents_pipelines.load import Loader
    from fluents_pipelines.reporting import failure_to_open_reported

    log = structlog.get_logger(__name__)
    say_at = 0.0
    was_open = False
    while not stop.is_set():
        try:
            # A buffer made in place of one that is gone (an unmounted data_dir) would take events
            # that nobody finds once that is back.
            if was_open:
                with failure_to_open_reported(loader_state(settings)):
                    buffer_store(settings).require()
            with Loader(settings) as loader:
                say_at = 0.0
                was_open = True
                is_last = False
                rests_until = time.monotonic()
                while not is_last:
                    is_last = stop.is_set()
                    tick = time.monotonic() + every
                    result = loader.load(is_last=is_last)
                    if result.deliveries:
                        rests_until = tick
                        seconds = round(result.seconds, 3)
                        log.info("loaded", deliveries=result.deliveries, seconds=seconds)
                    _wait_for_work(stop, loader, rests_until, tick)
        except LoadRunning as error:
            # A `load` by hand, a long replay, or the deployment before this one, which ends.
            if time.monotonic() >= say_at:
                log.warning("load_waits", reason=str(error))
                say_at = time.monotonic() + SAY_SECONDS
            stop.wait(LOCK_SECONDS)
        except FluentsError as error:
            # Opened again: a DuckDB that met a fatal error answers nothing any more.
            log.error("load_failed", error=str(error))
            stop.wait(max(every, RETRY_SECONDS))


def _wait_for_work(stop: threading.Event, loader: Loader, rests_until: float, tick: float) -> None:
    """Waits until `tick`, or until something has arrived, but then not before `rests_until`.

    Both are times of `time.monotonic`. The tick is for all else that a load does: a replay that
    was asked for, a publish that has become due, models that somebody changed.
    """
    stop.wait(rests_until - time.monotonic())  # at once if that is not more than 0
    while (left := tick - time.monotonic()) > 0 and not loader.has_arrivals():
        if stop.wait(min(left, ARRIVAL_SECONDS)):
            return


def describe(result: LoadResult) -> str:
    """One sentence about a load."""
    noun = "delivery" if result.deliveries == 1 else "deliveries"
    return f"Loaded {result.deliveries:,} {noun} in {result.seconds:.1f} s."


@contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """A progress bar on stderr where that is a terminal; nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
