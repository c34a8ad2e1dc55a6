"""Whether an hour of loads is as cheap at its end as at its start, in a warehouse of years."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import click

from tests.benchmarks.backlog import settings
from tests.benchmarks.growth import Costs, kept, load_more
from tests.benchmarks.history import make_of_calls
from tests.benchmarks.measure import (
    MIB,
    Record,
    Row,
    fresh,
    median,
    memory_mib,
    own_process,
    percentile,
    say,
)
from tests.benchmarks.options import as_json, folder_option, loaded_option
from tests.benchmarks.query import answer

PARTS = 10
READER_SECONDS = (0.5, 20.0)  # how long each of the readers keeps the file open that it opened
COUNT = "select count(*) from fluents.events"


@click.command("year")
@click.option("--calls", default=5_000_000, show_default=True, type=click.IntRange(1))
@click.option("--loads", default=3600, show_default=True, type=click.IntRange(PARTS))
@click.option("--events", default=15, show_default=True, help="Of each load: about a call.")
@click.option(
    "--history",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder that has the calls of an earlier run, or gets them, and is kept.",
)
@loaded_option
@folder_option
@as_json
def command(
    calls: int,
    loads: int,
    events: int,
    history: Path | None,
    loaded: int,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Load call after call into a warehouse of millions, with readers that come and go.

    Each load publishes, and the next begins at once. Two readers open the published file again and
    again; one keeps it for half a second, the other for twenty.

    A row is a tenth of the loads: the seconds of a load, what it wrote, and at the end of the
    tenth the events, the loader's memory, its file, and that with all snapshots.
    """
    with ExitStack() as stack:
        if history is None:
            name = stack.enter_context(tempfile.TemporaryDirectory(dir=folder, prefix="fluents-"))
            history = Path(name)
        of_history = settings(history)
        if not of_history.warehouse_path.exists():
            history.mkdir(exist_ok=True)
            make_of_calls(history, calls, loaded=loaded)
        taken = fresh(last_position, history)
        loader = stack.enter_context(own_process())
        loader.submit(load_more, history, events, taken).result()
        before, _ = fresh(answer, of_history.warehouse_path, COUNT)
        rows = list(_parts(loader, history, loads, events, taken))
        after, _ = fresh(answer, of_history.warehouse_path, COUNT)
    if after != before + loads * events:
        raise click.ClickException(f"{after} events are published, not {before + loads * events}")
    record = Record("year", {"events_before": before, "loads": loads, "events_a_load": events})
    record.rows.extend(rows)
    record.show(as_json)


def _parts(
    loader: ProcessPoolExecutor, folder: Path, loads: int, events: int, taken: int
) -> Iterator[Row]:
    warehouse = settings(folder).data_dir / "warehouse.duckdb"
    done = 0
    with _readers(settings(folder).warehouse_path) as visit:
        for part in range(1, PARTS + 1):
            costs: list[Costs] = []
            visits = 0
            while done < loads * part // PARTS:
                costs.append(loader.submit(load_more, folder, events, taken).result())
                visits += visit()
                done += 1
            seconds = [cost["seconds"] for cost in costs]
            say(f"{done:,} of {loads:,} loads")
            yield {
                "loads": len(costs),
                "visits": visits,
                "p50_seconds": median(seconds),
                "p95_seconds": percentile(seconds, 95),
                "written_mib": sum(cost["written_mib"] for cost in costs) / len(costs),
                "memory_mib": loader.submit(memory_mib).result(),
                "file_mib": warehouse.stat().st_size / MIB,
                "kept_mib": kept(warehouse.parent.parent) / MIB,
            }


@contextmanager
def _readers(published: Path) -> Iterator[_Visits]:
    with ExitStack() as stack:
        visits = _Visits(
            published, {seconds: stack.enter_context(own_process()) for seconds in READER_SECONDS}
        )
        yield visits
        visits.end()


class _Visits:
    """Has each reader come again when it has gone; counts how often one did."""

    def __init__(self, published: Path, readers: dict[float, ProcessPoolExecutor]) -> None:
        self._published, self._readers = published, readers
        self._there: dict[float, Future[int]] = {}
        self._seen: dict[float, int] = dict.fromkeys(readers, 0)

    def __call__(self) -> int:
        came = 0
        for seconds, reader in self._readers.items():
            if seconds in self._there:
                if not self._there[seconds].done():
                    continue
                self._look(seconds)
            self._there[seconds] = reader.submit(read, self._published, seconds)
            came += 1
        return came

    def end(self) -> None:
        """Waits for those that are there."""
        for seconds in self._there:
            self._look(seconds)

    def _look(self, seconds: float) -> None:
        events = self._there[seconds].result()
        if events < self._seen[seconds]:
            raise click.ClickException(f"a reader saw {events} events after more of them")
        self._seen[seconds] = events


def last_position(folder: Path) -> int:
    """How many deliveries the buffer in `folder` has taken."""
    from fluents_connector.buffer import SqliteBuffer

    with closing(SqliteBuffer(settings(folder).buffer_file)) as buffer:
        return buffer.last_position()


def read(published: Path, seconds: float) -> int:
    """Opens the published file, asks it as a dashboard would, and keeps it open for a while."""
    import duckdb

    with duckdb.connect(str(published), read_only=True) as connection:
        connection.execute("set enable_progress_bar = false")  # of two seconds and more
        connection.execute("from analytics.calls_daily order by all desc limit 30").fetchall()
        time.sleep(seconds)
        ((events,),) = connection.execute(COUNT).fetchall()
    return int(events)
