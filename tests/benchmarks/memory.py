"""The most memory that loading a large backlog takes, and receiving under load."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from itertools import islice
from pathlib import Path

import click

from tests.benchmarks import wrk
from tests.benchmarks.backlog import deliveries, fill
from tests.benchmarks.measure import Record, Row, in_turn, median
from tests.benchmarks.options import as_json, folder_option, repeats_option
from tests.benchmarks.serving import Serving
from tests.processes import environment, write_settings

CONNECTIONS = 64


@click.command("memory")
@click.option("--events", default=2_000_000, show_default=True, type=click.IntRange(1))
@click.option("--seconds", default=10.0, show_default=True, help="Of load on the receiver.")
@repeats_option
@folder_option
@as_json
def command(events: int, seconds: float, repeats: int, folder: Path | None, as_json: bool) -> None:
    """Peak memory of `load` with a large backlog, and of `serve` under load.

    Of the load, the most that its one process held. Of the receiver, the most that its processes
    held together (what they share counted once), and the largest of them.
    """
    wrk.needed()
    with tempfile.TemporaryDirectory(dir=folder, prefix="fluents-memory-") as name:
        base = Path(name)
        fill(base / "buffer.sqlite", islice(deliveries(), events))
        wrk.write_bodies(base / "bodies")
        results = in_turn(
            {
                "load of the backlog": lambda: _load(base),
                "receiver under load": lambda: _receive(base, seconds),
            },
            repeats,
        )
    sizes = {"events": events, "connections": CONNECTIONS, "seconds": seconds, "repeats": repeats}
    record = Record("memory", sizes)
    for name, runs in results.items():
        medians = {key: median([run[key] for run in runs]) for key in runs[0]}
        record.rows.append({"what": name, **medians})
    record.show(as_json)


def _load(base: Path) -> Row:
    with tempfile.TemporaryDirectory(dir=base) as folder:
        config = write_settings(Path(folder), buffer_keep_days=36500)
        (Path(folder) / ".fluents").mkdir()
        shutil.copyfile(base / "buffer.sqlite", Path(folder) / ".fluents" / "buffer.sqlite")
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "fluents_warehouse", "load", "--config", str(config)],
            env=environment(),
            stdout=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise click.ClickException(f"the load ended with {process.returncode}")
        peak = usage.ru_maxrss / 1024
        return {"sum_mib": peak, "largest_mib": peak, "seconds": time.perf_counter() - start}


def _receive(base: Path, seconds: float) -> Row:
    with (
        tempfile.TemporaryDirectory(dir=base) as folder,
        Serving(Path(folder)) as serving,
    ):
        peak = serving.memory()
        done = threading.Event()

        def sample() -> None:
            while not done.wait(0.2):
                for name, value in serving.memory().items():
                    peak[name] = max(peak[name], value)

        sampler = threading.Thread(target=sample)
        sampler.start()
        try:
            wrk.drive(serving.url, base / "bodies", connections=CONNECTIONS, seconds=seconds)
        finally:
            done.set()
            sampler.join()
        return {**peak, "seconds": seconds}
