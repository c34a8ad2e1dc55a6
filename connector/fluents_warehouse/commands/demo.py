"""`demo`: the whole path on simulated calls, from HTTP to a query."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import click

from fluents_connector.errors import FluentsError, SettingsError
from fluents_connector.settings import CONFIG_FILE, Settings, load_settings
from fluents_warehouse.child import wait_until_ready
from fluents_warehouse.commands.init import webhook_urls, write_settings
from fluents_warehouse.commands.load import describe, progress_bar

MARK = ".made-by-demo"  # a file; only a folder that holds it is ever deleted
START_SECONDS = 20.0

_OVERVIEW = """
select
    outcome,
    count(*) as calls,
    count(*) filter (has_transcript) as with_transcript,
    count(*) filter (has_post_call_result) as with_result,
    round(avg(human_turn_count), 1) as mean_human_turns,
from analytics.call_summary
group by all
order by calls desc
"""
_TABLES = """
select table_name as "table", estimated_size as rows
from duckdb_tables()
where database_name = current_database()
    and schema_name = 'fluents'
    and table_name not like '\\_%' escape '\\'
order by table_name
"""
_TRY_NEXT = (
    'query "select direction, call_count, human_count, no_human_count from analytics.calls_daily"',
    'query "select speaker, text from analytics.conversation_turns order by call_id, line_index"',
    "status",
    "models",
    "dashboard",
    "notebook",
)


@click.command()
@click.option("--events", default=2_000, show_default=True, type=click.IntRange(1, 10_000_000))
@click.option("--seed", default=0, show_default=True, help="Another seed, other calls.")
@click.option(
    "--folder",
    default="fluents-demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to put the demo; what an earlier demo left there is deleted.",
)
@click.option(
    "--keep/--no-keep",
    default=True,
    show_default=True,
    help="Keep the warehouse for the commands that are printed, or delete the folder at the end.",
)
def demo(events: int, seed: int, folder: Path, keep: bool) -> None:
    """Show the whole path: simulated calls, posted to a real receiver, loaded, queried.

    Nothing leaves this machine. The calls are made up, and so is every number in them.
    """
    from fluents_connector.logs import configure_logs
    from fluents_connector.sender import send
    from fluents_connector.simulator import simulate
    from fluents_pipelines.load import Loader

    configure_logs("text" if sys.stderr.isatty() else "json")
    _start_afresh(folder)
    config = folder / CONFIG_FILE
    write_settings(config, label="demo", host="127.0.0.1", port=_free_port())
    settings = load_settings(config)
    url = dict(webhook_urls(settings))["demo"]
    with _receiver(config, settings):
        click.echo(f"A receiver is listening on http://{settings.host}:{settings.port}.")
        started = time.monotonic()
        bodies = (delivery.body for delivery in islice(simulate(seed=seed), events))
        with progress_bar("Posting") as progress:
            sent = send(bodies, url, progress=lambda done: progress(done, events))
        seconds = time.monotonic() - started
    answers = ", ".join(f"{count:,} {word}" for word, count in sorted(sent.answers.items()))
    click.echo(f"Posted {sent.answers.total():,} events in {seconds:.1f} s: {answers}.")
    with Loader(settings) as loader, progress_bar("Loading") as progress:
        result = loader.load(progress)
    click.echo(describe(result))
    _show(settings)
    if keep:
        _say_what_next(config, settings)
    else:
        shutil.rmtree(folder)


def _start_afresh(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise SettingsError(
                f"{folder} is not empty and not from a demo. Name another with --folder."
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _receiver(config: Path, settings: Settings) -> Iterator[None]:
    """A receiver in a process of its own, for as long as the block runs."""
    log = settings.data_dir.parent / "receiver.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 # our own command
            [sys.executable, "-m", "fluents_warehouse", "serve", "--config", str(config)],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        url = f"http://{settings.host}:{settings.port}/readyz"
        if not wait_until_ready(url, process, START_SECONDS):
            raise FluentsError(f"The receiver did not start. Its log is {log}.")
        yield
    finally:
        process.terminate()
        process.wait()


def _show(settings: Settings) -> None:
    from fluents_pipelines.readers.query import write_result
    from fluents_pipelines.warehouse import open_published

    output = sys.stdout.buffer
    with open_published(settings) as connection:
        for title, sql in (("The tables", _TABLES), ("What became of the calls", _OVERVIEW)):
            click.echo(f"\n{title}:")
            sys.stdout.flush()
            write_result(connection, sql, "table", output)
            output.flush()


def _say_what_next(config: Path, settings: Settings) -> None:
    click.echo(f"The warehouse is {settings.warehouse_path}. Try next:")
    for command in _TRY_NEXT:
        name, _, argument = command.partition(" ")
        click.echo(f"  {_program()} {name} --config {config} {argument}".rstrip())


def _program() -> str:
    """How this program was called, so that the printed commands can be pasted as they are."""
    called = sys.argv[0]
    on_path = shutil.which("fluents-warehouse")
    if Path(called).name != "fluents-warehouse" or called == on_path:
        return "fluents-warehouse"
    return called
