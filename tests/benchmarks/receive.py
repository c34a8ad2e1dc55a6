"""How many deliveries are received a second, and how long each waits for its answer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from fluents_connector.buffer import SqliteBuffer
from tests.benchmarks import wrk
from tests.benchmarks.measure import Record, in_turn, median
from tests.benchmarks.options import as_json, folder_option, repeats_option
from tests.benchmarks.serving import Serving

STORING = ("ours", "one commit a request")
VARIANTS = (*STORING, "stores nothing", "empty view")


@click.command("receive")
@click.option("--connections", default="1,16,64,256", show_default=True, help="At once.")
@click.option("--seconds", default=5.0, show_default=True, help="For each figure.")
@repeats_option
@folder_option
@as_json
def command(
    connections: str, seconds: float, repeats: int, folder: Path | None, as_json: bool
) -> None:
    """Receive over HTTP: ours against storing nothing and one commit a request.

    Two workers, the default settings, and wrk, all on the cores of this machine. Every body is
    another one. "stores nothing" is the same application without the buffer; "empty view" is a
    Flask application of one view that parses the body, behind the same server.
    """
    wrk.needed()
    counts = [int(number) for number in connections.split(",")]
    with tempfile.TemporaryDirectory(dir=folder, prefix="fluents-receive-") as name:
        bodies = Path(name) / "bodies"
        wrk.write_bodies(bodies)

        def run(variant: str) -> Callable[[], dict[int, wrk.Load]]:
            return lambda: _run(bodies, variant, counts, seconds)

        results = in_turn({variant: run(variant) for variant in VARIANTS}, repeats)
    sizes = {"seconds": seconds, "repeats": repeats, "workers": 2}
    record = Record("receive", sizes)
    for number in counts:
        rates = {
            variant: median([run[number].per_second for run in runs])
            for variant, runs in results.items()
        }
        for variant, runs in results.items():
            loads = [run[number] for run in runs]
            record.rows.append(
                {
                    "what": variant,
                    "connections": number,
                    "per_second": rates[variant],
                    "p50_ms": median([load.p50_ms for load in loads]),
                    "p95_ms": median([load.p95_ms for load in loads]),
                    "p99_ms": median([load.p99_ms for load in loads]),
                    "ours_is_times_as_fast": rates["ours"] / rates[variant],
                }
            )
    record.show(as_json)


def _run(bodies: Path, variant: str, counts: list[int], seconds: float) -> dict[int, wrk.Load]:
    with tempfile.TemporaryDirectory(dir=bodies.parent) as name:
        changed = None if variant == "ours" else variant
        with Serving(Path(name), variant=changed) as serving:
            wrk.drive(serving.url, bodies, connections=8, seconds=1)  # warm
            loads = {
                number: wrk.drive(serving.url, bodies, connections=number, seconds=seconds)
                for number in counts
            }
        if variant in STORING:
            _check(Path(name), sum(load.requests for load in loads.values()))
    return loads


def _check(folder: Path, acknowledged: int) -> None:
    buffer = SqliteBuffer(folder / ".fluents" / "buffer.sqlite")
    counts = buffer.counts()
    buffer.close()
    if counts.received < acknowledged or counts.duplicates:
        raise click.ClickException(f"{acknowledged} acknowledged, but stored: {counts}")
