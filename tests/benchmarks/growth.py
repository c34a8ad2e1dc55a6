"""Whether the cost of a load follows the new events or the history."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tests.benchmarks.backlog import deliveries, fill, settings
from tests.benchmarks.history import LOADED, make
from tests.benchmarks.measure import Record, Timed, fresh, in_turn, median, own_process, say
from tests.benchmarks.options import as_json, folder_option, repeats_option

if TYPE_CHECKING:
    from fluents_connector.delivery import Delivery
    from fluents_pipelines.load import Loader

PARTS = ("load", "publish", "models")


@click.command("growth")
@click.option("--histories", default="0,1000000,5000000,10000000", show_default=True)
@click.option("--events", default="1000,10000", show_default=True, help="New ones in one load.")
@click.option("--loaded", default=LOADED, show_default=True, help="Events of the first real load.")
@repeats_option
@folder_option
@as_json
def command(
    histories: str, events: str, loaded: int, repeats: int, folder: Path | None, as_json: bool
) -> None:
    """Load some new events into warehouses that hold few and many.

    Each warehouse has a loader process of its own, which has loaded once before. "load" is all of
    a load but publishing and building the views, which are counted apart. The history is made by
    SQL from a first real load: the same rows with earlier times, ids and other calls.
    """
    sizes = [int(size) for size in histories.split(",")]
    numbers = [int(number) for number in events.split(",")]
    with ExitStack() as stack:
        base = Path(
            stack.enter_context(tempfile.TemporaryDirectory(dir=folder, prefix="fluents-growth-"))
        )
        runs: dict[str, Callable[[], dict[str, float]]] = {}
        for size in sizes:
            say(f"making a warehouse of {size:,} events")
            fresh(make, base / f"{size}", size, loaded=loaded)
            process = stack.enter_context(own_process())
            process.submit(load_more, base / f"{size}", min(numbers), loaded).result()  # warm
            for number in numbers:
                runs[f"{size} {number}"] = lambda process=process, size=size, number=number: (
                    process.submit(load_more, base / f"{size}", number, loaded).result()
                )
        results = in_turn(runs, repeats)
    record = Record("growth", {"first_load": loaded, "repeats": repeats})
    medians = {
        name: {part: median([run[part] for run in parts]) for part in parts[0]}
        for name, parts in results.items()
    }
    for number in numbers:
        least = medians[f"{sizes[0]} {number}"]["load"]
        for size in sizes:
            of_size = medians[f"{size} {number}"]
            record.rows.append(
                {
                    "new_events": number,
                    "history": size,
                    **{f"{part}_seconds": of_size[part] for part in PARTS},
                    "times_the_first": of_size["load"] / least,
                    "file_mib": of_size["file_mib"],
                }
            )
    record.show(as_json)


class _Open:
    """What a loader process keeps open between two loads."""

    loader: Loader
    more: Iterator[Delivery]
    publish: Timed
    models: list[Timed]


_open = _Open()


def load_more(folder: Path, events: int, loaded_first: int) -> dict[str, float]:
    """Loads new events into the warehouse in `folder`, in a process that keeps it open."""
    import time

    of_folder = settings(folder)
    if not hasattr(_open, "loader"):
        from fluents_pipelines.load import Loader
        from fluents_pipelines.models import built_in, incremental
        from fluents_pipelines.warehouse.duckdb_file.publish import Publisher

        _open.publish = Timed(Publisher, "publish")
        _open.models = [Timed(built_in, "build"), Timed(incremental, "refresh")]
        _open.loader = Loader(of_folder)
        # goes on where the history ends, so that calls under way then get their other events
        _open.more = islice(deliveries(), loaded_first, None)
    fill(of_folder.buffer_file, islice(_open.more, events))
    start = time.perf_counter()
    loaded = _open.loader.load().deliveries
    seconds = time.perf_counter() - start
    if loaded != events:
        raise click.ClickException(f"{loaded} events were loaded, not {events}")
    publish, models = _open.publish.take(), sum(timed.take() for timed in _open.models)
    return {
        "load": seconds - publish - models,
        "publish": publish,
        "models": models,
        "file_mib": of_folder.warehouse_path.stat().st_size / 1024**2,
    }
