"""What it costs to start the receiver, and to load a single event where all is warm."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import click

from tests.benchmarks.backlog import deliveries, fill, settings
from tests.benchmarks.measure import Record, fresh, in_turn, median
from tests.benchmarks.options import as_json, folder_option, repeats_option
from tests.benchmarks.serving import Serving


@click.command("startup")
@click.option(
    "--loads", default=10, show_default=True, type=click.IntRange(1), help="Warm ones a process."
)
@repeats_option
@folder_option
@as_json
def command(loads: int, repeats: int, folder: Path | None, as_json: bool) -> None:
    """Start `serve` until /readyz answers; and load one event in a process that is warm.

    Beside the first, what importing the server and Flask alone takes; beside the second, a run of
    dlt with one dict and default settings, in a process as warm.
    """
    results = in_turn(
        {
            "serve until /readyz": _in(folder, _serve),
            "import granian and flask": _import,
            "first load of a process, one event": _in(folder, lambda base: fresh(load_one, base)),
            "warm load of one event": _in(folder, lambda base: fresh(load_one, base, loads)),
            "warm run of dlt, one dict": _in(folder, lambda base: fresh(dlt_one, base, loads)),
        },
        repeats,
    )
    record = Record("startup", {"repeats": repeats, "warm_loads": loads})
    for name, runs in results.items():
        record.rows.append({"what": name, "seconds": median(runs)})
    record.show(as_json)


def _in(folder: Path | None, run: Callable[[Path], float]) -> Callable[[], float]:
    def run_in_a_folder() -> float:
        with tempfile.TemporaryDirectory(dir=folder, prefix="fluents-startup-") as name:
            return run(Path(name))

    return run_in_a_folder


def _serve(folder: Path) -> float:
    with Serving(folder) as serving:
        return serving.seconds


def _import() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import granian.server, flask"], check=True)
    return time.perf_counter() - start


def load_one(folder: Path, warm: int = 0) -> float:
    """Seconds of the first load of a process, with its imports; or the median of later ones."""
    of_folder = settings(folder)
    events = deliveries()
    fill(of_folder.buffer_file, islice(events, 1))
    start = time.perf_counter()
    from fluents_pipelines.load import Loader

    seconds = []
    with Loader(of_folder) as loader:
        loader.load()
        first = time.perf_counter() - start
        for _ in range(warm):
            fill(of_folder.buffer_file, islice(events, 1))
            start = time.perf_counter()
            if loader.load().deliveries != 1:
                raise click.ClickException("a load took more or less than the one event")
            seconds.append(time.perf_counter() - start)
    return median(seconds) if seconds else first


def dlt_one(folder: Path, warm: int) -> float:
    """The median seconds of dlt's own fixed cost: a run with one row, after a first one."""
    import os

    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt

    pipeline = dlt.pipeline(
        "one",
        destination=dlt.destinations.duckdb(str(folder / "one.duckdb")),
        dataset_name="fluents",
        pipelines_dir=str(folder / "dlt"),
    )
    seconds = []
    for nth in range(warm + 1):
        start = time.perf_counter()
        pipeline.run(dlt.resource([{"nth": nth}], name="events"))
        seconds.append(time.perf_counter() - start)
    return median(seconds[1:])
