"""How fast a backlog is loaded: by us, by plain dlt, and by DuckDB alone."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import click

from fluents_connector.delivery import Delivery
from fluents_connector.settings.payload_fields import PAYLOAD_FIELDS
from tests.benchmarks.backlog import deliveries, fill, settings
from tests.benchmarks.measure import Record, Timed, fresh, in_turn, median, peak_mib
from tests.benchmarks.options import as_json, folder_option, repeats_option

WARM = 200  # events loaded before: the first load of a process imports for two seconds


@click.command("load")
@click.option("--events", default=200_000, show_default=True, type=click.IntRange(WARM))
@click.option(
    "--plain-events",
    default=5_000,
    show_default=True,
    help="How many of them plain dlt gets; rates are compared. Its time and memory grow faster "
    "than their number: 10,000 took a minute and 7.6 GiB.",
)
@repeats_option
@folder_option
@as_json
def command(events: int, plain_events: int, repeats: int, folder: Path, as_json: bool) -> None:
    """Load a backlog: ours against plain dlt and against bare DuckDB.

    Each run is in a process of its own that has loaded a few events before. Ours goes from the
    staging buffer to all tables, checkpointed; "ours, published" is the same run until its models
    are made and readers can see it. Plain dlt gets the parsed events as one resource with default
    settings. DuckDB reads the bodies from a file of JSON lines and makes our tables with our SQL,
    straight into a file.
    """
    plain_events = min(plain_events, events)
    with tempfile.TemporaryDirectory(dir=folder, prefix="fluents-load-") as name:
        source = Path(name)
        fill(source / "buffer.sqlite", islice(deliveries(), events))
        fill(source / "warm.sqlite", islice(deliveries(seed=1), WARM))
        _write_lines(source / "deliveries.jsonl", islice(deliveries(), events))
        results = in_turn(
            {
                "ours": lambda: fresh(ours, source),
                "plain dlt": lambda: fresh(plain_dlt, source, plain_events),
                "bare DuckDB": lambda: fresh(bare_duckdb, source),
            },
            repeats,
        )
    record = Record("load", {"events": events, "plain_events": plain_events, "repeats": repeats})
    if results["ours"][0]["rows"] != results["bare DuckDB"][0]["rows"]:
        raise click.ClickException(f"the tables differ: {results}")
    results["ours, published"] = [
        {**run, "seconds": run["published_seconds"]} for run in results["ours"]
    ]
    rates = {
        name: median([run["events"] / run["seconds"] for run in runs])
        for name, runs in results.items()
    }
    for name in ("ours", "ours, published", "plain dlt", "bare DuckDB"):
        runs = results[name]
        record.rows.append(
            {
                "what": name,
                "events": runs[0]["events"],
                "seconds": median([run["seconds"] for run in runs]),
                "events_per_second": rates[name],
                "ours_is_times_as_fast": rates["ours"] / rates[name],
                "peak_mib": median([run["peak_mib"] for run in runs]),
            }
        )
    record.notes.append(f"Rows, the same in ours and in bare DuckDB: {results['ours'][0]['rows']}")
    record.show(as_json)


def ours(source: Path) -> dict[str, Any]:
    """Loads the backlog as `fluents-warehouse load` does, but for starting Python."""
    import duckdb

    from fluents_pipelines.load import Loader
    from fluents_pipelines.models import built_in, incremental
    from fluents_pipelines.warehouse.duckdb_file.publish import Publisher

    after_tables = [
        Timed(built_in, "build"),
        Timed(incremental, "follow"),
        Timed(incremental, "refresh"),
        Timed(Publisher, "publish"),
    ]
    for name in ("warm", "buffer"):
        with tempfile.TemporaryDirectory(dir=source) as folder:
            of_run = settings(Path(folder))
            of_run.buffer_file.parent.mkdir()
            shutil.copyfile(source / f"{name}.sqlite", of_run.buffer_file)
            for timed in after_tables:
                timed.take()
            start = time.perf_counter()
            with Loader(of_run) as loader:
                events = loader.load().deliveries
            seconds = time.perf_counter() - start
            with duckdb.connect(str(of_run.warehouse_path), read_only=True) as connection:
                rows = _rows(connection)
    return {
        "events": events,
        "seconds": seconds - sum(timed.take() for timed in after_tables),
        "published_seconds": seconds,
        "rows": rows,
        "peak_mib": peak_mib(),
    }


def plain_dlt(source: Path, events: int) -> dict[str, Any]:
    """What a dlt user writes first: one resource of dicts, everything else by default."""
    import os

    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"  # nothing of a benchmark leaves the machine
    os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"  # it warns of columns that are always null
    import dlt

    with (source / "deliveries.jsonl").open() as lines:
        some = [json.loads(line)["body"] for line in islice(lines, events)]
    for name, items in (("warm", some[:WARM]), ("plain", some)):
        with tempfile.TemporaryDirectory(dir=source) as folder:
            pipeline = dlt.pipeline(
                name,
                destination=dlt.destinations.duckdb(f"{folder}/{name}.duckdb"),
                dataset_name="fluents",
                pipelines_dir=f"{folder}/dlt",
            )
            start = time.perf_counter()
            pipeline.run(dlt.resource(items, name="events"))
            seconds = time.perf_counter() - start
    return {"events": len(some), "seconds": seconds, "peak_mib": peak_mib()}


def bare_duckdb(source: Path) -> dict[str, Any]:
    """The same tables by DuckDB alone: no buffer, no dlt, no Arrow, nothing to start again from."""
    import duckdb

    from fluents_pipelines.sql_files import in_order, read_folder, sql_folder
    from fluents_pipelines.tables import ALL_TABLES

    columns = {table.name: [column.name for column in table.columns] for table in ALL_TABLES}
    calls = ", ".join(f"null as {column}" for column in columns["calls"])
    with tempfile.TemporaryDirectory(dir=source) as folder:
        start = time.perf_counter()
        with duckdb.connect(f"{folder}/bare.duckdb") as connection:
            connection.execute("set timezone = 'UTC'; create schema fluents")
            for fact, names in PAYLOAD_FIELDS.items():
                paths = ["$" + "".join(f'."{part}"' for part in name.split(".")) for name in names]
                connection.execute(f"set variable {fact}_names = ?::varchar[]", [names])
                connection.execute(f"set variable {fact}_paths = ?::varchar[]", [paths])
            connection.execute((sql_folder() / "macros.sql").read_text())
            connection.execute(_READ_LINES, [str(source / "deliveries.jsonl")])
            connection.execute("set search_path = 'fluents,main'")
            connection.execute(f"create temp view known_calls as select {calls} where false")
            for file in in_order(read_folder(sql_folder() / "tables")):
                connection.execute(
                    f"create table fluents.{file.name} as"
                    f" select {', '.join(columns[file.name])} from ({file.sql}\n)"
                )
            connection.execute(
                "create table fluents.loads as select 'bare' as load_id, any_value(buffer_id) as"
                " buffer_id, 0 as after_position, max(position) as up_to_position,"
                " max(event_id) as up_to_event_id, count(*) as deliveries from deliveries"
            )
            connection.execute("checkpoint")
        seconds = time.perf_counter() - start
        with duckdb.connect(f"{folder}/bare.duckdb", read_only=True) as connection:
            rows = _rows(connection)
    return {"events": rows["events"], "seconds": seconds, "rows": rows, "peak_mib": peak_mib()}


_READ_LINES = """
create temp table deliveries as
select
    * replace (make_timestamptz(received_at) as received_at),
    null::varchar as body_base64,
    null::varchar as reason,
    null::varchar as detail,
    0 as redacted,
from read_json(
    ?,
    format = 'newline_delimited',
    columns = {
        position: 'bigint', event_id: 'varchar', received_at: 'bigint', webhook: 'varchar',
        call_id: 'varchar', type: 'varchar', duplicate_of: 'varchar', buffer_id: 'varchar',
        body: 'json'
    }
)
"""


def _write_lines(path: Path, events: Iterable[Delivery]) -> None:
    """The rows of the buffer as JSON lines, each with the body as the JSON that it is."""
    firsts: dict[bytes, str] = {}
    with path.open("wb") as lines:
        for position, delivery in enumerate(events, 1):
            first = delivery.event_id
            if delivery.body_hash is not None:
                first = firsts.setdefault(delivery.body_hash, first)
            row = {
                "position": position,
                "event_id": delivery.event_id,
                "received_at": delivery.received_at,
                "webhook": delivery.webhook,
                "call_id": delivery.call_id,
                "type": delivery.type,
                "duplicate_of": None if first == delivery.event_id else first,
                "buffer_id": "bare",
            }
            body = delivery.body or b"null"
            lines.write(json.dumps(row)[:-1].encode() + b', "body": ' + body + b"}\n")


def _rows(connection: Any) -> dict[str, int]:
    """How many rows there are in each table but `loads`, which has one a batch."""
    from fluents_pipelines.tables import NORMALIZED

    return {
        table.name: connection.execute(f"select count(*) from fluents.{table.name}").fetchone()[0]
        for table in NORMALIZED
    }
