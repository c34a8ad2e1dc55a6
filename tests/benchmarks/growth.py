"""Whether the cost of a load follows the new events or the history."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tests.benchmarks.backlog import deliveries, fill, settings
from tests.benchmarks.history import make
from tests.benchmarks.measure import (
    MIB,
    Record,
    Timed,
    bytes_written,
    fresh,
    in_turn,
    median,
    own_process,
    say,
)
from tests.benchmarks.options import as_json, folder_option, loaded_option, repeats_option

if TYPE_CHECKING:
    from fluents_connector.delivery import Delivery
    from fluents_pipelines.load import Loader

Costs = dict[str, float]
WARM_UP = 3  # loads, after which there is a former snapshot to make the next from


@click.command("growth")
@click.option("--histories", default="0,1000000,5000000,10000000", show_default=True)
@click.option("--events", default="15,1000,10000", show_default=True, help="New ones in one load.")
@loaded_option
@repeats_option
@folder_option
@as_json
def command(
    histories: str, events: str, loaded: int, repeats: int, folder: Path | None, as_json: bool
) -> None:
    """Load some new events into warehouses that hold few and many.

    Each warehouse has a loader process of its own, which has loaded before, and is compared in turn
    with the first of them; only two are there at a time. All of a load counts, models and
    publishing too. The history is made by SQL from a first real load: the same rows with earlier
    times, ids and other calls.

    "written" is what the loader wrote to all files. "times checkpoint" divides it by what DuckDB
    wrote for its own checkpoint, without which nothing would be in its file: that is of the commit,
    which writes no log. "kept" is the loader's file and all snapshots.
    """
    first, *others = [int(size) for size in histories.split(",")]
    numbers = [int(number) for number in events.split(",")]
    record = Record("growth", {"first_load": loaded, "repeats": repeats})
    with ExitStack() as stack:
        least = stack.enter_context(_Warehouse(folder, first, loaded))
        for nth, size in enumerate(others or [first]):
            with _Warehouse(folder, size, loaded) as more:
                both = {first: least, size: more}
                results = in_turn(
                    {
                        f"{number} into {history}": _load(warehouse, number)
                        for number in numbers
                        for history, warehouse in both.items()
                    },
                    repeats,
                )
            for number in numbers:
                costs = {history: _median(results[f"{number} into {history}"]) for history in both}
                if nth == 0:
                    record.rows.append({"new_events": number, "history": first, **costs[first]})
                if size != first:
                    ratio = costs[size]["seconds"] / costs[first]["seconds"]
                    record.rows.append(
                        {"new_events": number, "history": size, **costs[size], "times_first": ratio}
                    )
    record.rows.sort(key=lambda row: (row["new_events"], row["history"]))
    record.show(as_json)


class _Warehouse:
    """A warehouse with a history, and a loader of its own that has it open."""

    def __init__(self, folder: Path | None, size: int, loaded: int) -> None:
        self._opened = ExitStack()
        self._folder = Path(
            self._opened.enter_context(
                tempfile.TemporaryDirectory(dir=folder, prefix="fluents-growth-")
            )
        )
        self._size, self._loaded = size, loaded

    def __enter__(self) -> _Warehouse:
        say(f"making a warehouse of {self._size:,} events")
        try:
            fresh(make, self._folder, self._size, loaded=self._loaded)
            self._process: ProcessPoolExecutor = self._opened.enter_context(own_process())
            for _ in range(WARM_UP):
                self.load(1)
        except BaseException:
            self._opened.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._opened.close()

    def load(self, events: int) -> Costs:
        """What a load of some new events costs."""
        return self._process.submit(load_more, self._folder, events, self._loaded).result()


def _load(warehouse: _Warehouse, events: int) -> Callable[[], Costs]:
    return lambda: warehouse.load(events)


def _median(runs: list[Costs]) -> Costs:
    return {name: median([run[name] for run in runs]) for name in runs[0]}


class _Open:
    """What a loader process keeps open between two loads."""

    loader: Loader
    more: Iterator[Delivery]
    publish: Timed
    checkpoints: list[Timed]
    models: list[Timed]


_open = _Open()


def load_more(folder: Path, events: int, loaded_first: int) -> Costs:
    """Loads new events into the warehouse in `folder`, in a process that keeps it open."""
    import time

    of_folder = settings(folder)
    if not hasattr(_open, "loader"):
        from fluents_pipelines.load import Loader
        from fluents_pipelines.models import built_in, incremental
        from fluents_pipelines.warehouse.duckdb_file.destination import KeyedDuckDbClient
        from fluents_pipelines.warehouse.duckdb_file.publish import Publisher

        _open.publish = Timed(Publisher, "publish")
        _open.checkpoints = [
            Timed(KeyedDuckDbClient, "complete_load"),
            Timed(Publisher, "_checkpoint"),
        ]
        _open.models = [
            Timed(built_in, "build"),
            Timed(incremental, "follow"),
            Timed(incremental, "refresh"),
        ]
        _open.loader = Loader(of_folder)
        # goes on where the history ends, so that calls under way then get their other events
        _open.more = islice(deliveries(), loaded_first, None)
    fill(of_folder.buffer_file, islice(_open.more, events))
    start, before = time.perf_counter(), bytes_written()
    loaded = _open.loader.load().deliveries
    seconds, written = time.perf_counter() - start, bytes_written() - before
    if loaded != events:
        raise click.ClickException(f"{loaded} events were loaded, not {events}")
    publish, models = _open.publish.take(), sum(timed.take() for timed in _open.models)
    checkpointed = sum(timed.take_bytes() for timed in _open.checkpoints)
    return {
        "seconds": seconds,
        "models_seconds": models,
        "publish_seconds": publish,
        "written_mib": written / MIB,
        "times_checkpoint": written / max(1, checkpointed),
        "kept_mib": kept(of_folder.warehouse_path.parent) / MIB,
    }


def kept(folder: Path) -> int:
    """The bytes of the loader's file and all snapshots in `folder`."""
    return sum(
        path.stat().st_size
        for path in folder.rglob("*.duckdb*")
        if path.is_file() and not path.is_symlink()
    )
