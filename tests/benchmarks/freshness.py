"""How long after its 2xx a delivery can be queried in the published warehouse."""

from __future__ import annotations

import http.client
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import click
import duckdb

from fluents_connector.simulator import simulate
from tests.benchmarks.history import make
from tests.benchmarks.measure import Record, fresh, in_turn, median, percentile, say
from tests.benchmarks.options import as_json, folder_option, repeats_option
from tests.benchmarks.serving import Serving

SENDERS = 8
WARM_UP = 4  # events
LOOK_SECONDS = 0.005
LAST_SECONDS = 60.0  # after the last 2xx; more is not slow but broken
PERCENTS = (50, 95, 99)


@click.command("freshness")
@click.option("--rates", default="1,50,500", show_default=True, help="Events a second.")
@click.option("--seconds", default=30.0, show_default=True, help="How long to send at each rate.")
@click.option("--every", default="1s", show_default=True, help="As in `run --every`.")
@click.option(
    "--history",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    help="Events that are loaded already.",
)
@repeats_option
@folder_option
@as_json
def command(
    rates: str,
    seconds: float,
    every: str,
    history: int,
    repeats: int,
    folder: Path | None,
    as_json: bool,
) -> None:
    """From the 2xx until a query of the published file has found the event.

    Each run is a new `fluents-warehouse run` with default settings, and a sender with a steady
    rate. A reader looks for a new file every 5 ms, opens it and asks for what it has not seen.
    With a history, all runs go on with one warehouse.
    """
    numbers = [float(rate) for rate in rates.split(",")]
    with ExitStack() as stack:
        kept = stack.enter_context(_new_folder(folder)) if history else None
        if kept:
            say(f"making a warehouse of {history:,} events")
            fresh(make, kept, history)

        def run(rate: float) -> Callable[[], list[float]]:
            return lambda: _run(kept, folder, rate, seconds, every)

        results = in_turn({f"{rate:g}": run(rate) for rate in numbers}, repeats)
    record = Record(
        "freshness", {"seconds": seconds, "every": every, "history": history, "repeats": repeats}
    )
    for rate, runs in results.items():
        row = {"events_per_second": float(rate), "events": len(runs[0])}
        for percent in PERCENTS:
            row[f"p{percent}_seconds"] = median([percentile(delays, percent) for delays in runs])
        record.rows.append(row | {"most_seconds": max(max(delays) for delays in runs)})
    record.show(as_json)


@contextmanager
def _new_folder(parent: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=parent, prefix="fluents-freshness-") as name:
        yield Path(name)


def _run(
    kept: Path | None, parent: Path | None, rate: float, seconds: float, every: str
) -> list[float]:
    """The seconds that each event took, in one run; in a new folder if none is kept."""
    started_at = time.time_ns()  # so that no run repeats the bodies of another
    with (
        nullcontext(kept) if kept else _new_folder(parent) as folder,
        Serving(folder, "run", "--every", every) as serving,
        _Reader(serving.published) as reader,
    ):
        count = max(1, round(rate * seconds))
        # Sent and awaited first, one by one: a loader that has just started imports for two
        # seconds, and copies all until there is a former snapshot to make the next from.
        bodies = [
            json.dumps({"run": started_at, "nth": nth}).encode()[:-1] + b"," + delivery.body[1:]
            for nth, delivery in enumerate(islice(simulate(seed=3), WARM_UP + count))
        ]
        for warm in bodies[:WARM_UP]:
            reader.wait_for(_send(serving.url, [warm], rate))
        acknowledged = _send(serving.url, bodies[WARM_UP:], rate)
        reader.wait_for(acknowledged)
        return [reader.seen[event_id] - at for event_id, at in acknowledged.items()]


def _send(url: str, bodies: list[bytes], rate: float) -> dict[str, float]:
    """Posts at a steady rate; when each event id was acknowledged, on this process's clock."""
    parts = urlsplit(url)
    local = threading.local()
    start = time.monotonic()

    def post(nth: int) -> tuple[str, float]:
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        time.sleep(max(0.0, start + nth / rate - time.monotonic()))
        local.connection.request("POST", parts.path, bodies[nth])
        response = local.connection.getresponse()
        answer = json.loads(response.read())
        at = time.monotonic()
        if answer.get("status") != "stored":
            raise click.ClickException(f"not stored: {answer}")
        return answer["event_id"], at

    with ThreadPoolExecutor(SENDERS) as pool:
        return dict(pool.map(post, range(len(bodies))))


class _Reader:
    """Watches the published file; `seen` is when a query has found each event."""

    def __init__(self, published: Path) -> None:
        self.seen: dict[str, float] = {}
        self._published = published
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> _Reader:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for(self, acknowledged: dict[str, float]) -> None:
        deadline = time.monotonic() + LAST_SECONDS
        while not acknowledged.keys() <= self.seen.keys():
            if time.monotonic() > deadline:
                raise click.ClickException("acknowledged events were not published")
            time.sleep(0.01)

    def _newest(self) -> str:
        """The newest event of a history, of which nothing is looked for."""
        if not self._published.exists():
            return ""
        with duckdb.connect(str(self._published), read_only=True) as connection:
            ((newest,),) = connection.execute("select max(event_id) from fluents.events").fetchall()
        return newest or ""

    def _watch(self) -> None:
        inode, newest = 0, self._newest()
        while not self._stop.wait(LOOK_SECONDS):
            now = self._published.stat().st_ino if self._published.exists() else 0
            if now == inode:
                continue
            inode = now
            with duckdb.connect(str(self._published), read_only=True) as connection:
                # Ids sort by receipt, but a request may overtake another on its way to the buffer.
                found = connection.execute(
                    "select event_id from fluents.events where event_id > ?", [newest]
                ).fetchall()
            at = time.monotonic()
            for (event_id,) in found:
                self.seen.setdefault(event_id, at)
