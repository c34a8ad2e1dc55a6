"""`demo`: the whole path on a month of simulated calls, from HTTP to a query."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluents_warehouse.commands.init import webhook_urls
from fluents_warehouse.commands.load import describe, progress_bar

if TYPE_CHECKING:
    from fluents_connector.settings import Settings
    from fluents_connector.simulator.company import Company
    from fluents_warehouse.demonstration.posting import Urls

_AGENTS = """
select
    agent,
    count(*) as calls,
    count(*) filter (outcome = 'human') as human,
    count(*) filter (outcome = 'did_not_connect') as not_reached,
    count(*) filter (has_error) as with_error,
    round(median(duration_seconds) / 60, 1) as median_minutes,
    round(sum(cost), 2) as cost,
from analytics.call_summary
group by agent
order by calls desc
"""
_DAYS = """
select
    first_event_on as day,
    dayname(day) as weekday,
    count(*) as calls,
    count(*) filter (has_error) as with_error,
from analytics.call_summary
group by day
order by day desc
limit 8
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
@click.option(
    "--events",
    default=15_000,
    show_default=True,
    type=click.IntRange(1, 10_000_000),
    help="So many of them in the month; 1,000 are some 150 calls.",
)
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
@click.option(
    "--live",
    is_flag=True,
    help="After the month go on: a call every few seconds, until Ctrl-C or SIGTERM.",
)
@click.option(
    "--seconds", type=click.FloatRange(1), help="With --live: end by itself after so long."
)
def demo(
    events: int, seed: int, folder: Path, keep: bool, live: bool, seconds: float | None
) -> None:
    """Show the whole path: simulated calls, posted to a real receiver, loaded, queried.

    They are those of a company's last 30 days, which three voice agents served. Nothing leaves this
    machine. The calls are made up, and so is every number in them.
    """
    from fluents_connector.logs import configure_logs
    from fluents_connector.settings import load_settings
    from fluents_connector.simulator.company import Company
    from fluents_warehouse.demonstration.folder import fresh_folder, leave_environment
    from fluents_warehouse.demonstration.processes import receiver

    if seconds is not None and not live:
        raise click.UsageError("--seconds is for --live.")
    for name in leave_environment():
        click.echo(f"Warning: the demo leaves {name} of the environment alone.", err=True)
    configure_logs("text" if sys.stderr.isatty() else "json")
    with fresh_folder(folder) as config:
        settings = load_settings(config)
        with receiver(settings, folder) as service:
            click.echo(f"A receiver is listening on {settings.address}.")
            company = Company(events, seed=seed, ends_at=datetime.now(UTC))
            urls = dict(webhook_urls(settings))
            _post_and_load(settings, company, urls, events)
            _show(settings)
            if keep:
                _say_what_next(config, settings)
            if live:
                _go_on(config, company, urls, seed, seconds, service.require)
        if not keep:
            shutil.rmtree(folder)


def _post_and_load(settings: Settings, company: Company, urls: Urls, events: int) -> None:
    from fluents_connector.simulator.company import DAYS
    from fluents_pipelines.load import Loader
    from fluents_warehouse.demonstration.posting import post_month

    started = time.monotonic()
    with progress_bar("Posting") as progress:
        sent = post_month(company.month(), urls, lambda done: progress(done, events))
    seconds = time.monotonic() - started
    answers = ", ".join(f"{count:,} {word}" for word, count in sorted(sent.answers.items()))
    total = sent.answers.total()
    click.echo(f"Posted {total:,} events of {DAYS} days in {seconds:.1f} s: {answers}.")
    with Loader(settings) as loader, progress_bar("Loading") as progress:
        result = loader.load(progress)
    click.echo(describe(result))


def _show(settings: Settings) -> None:
    from fluents_pipelines.readers.query import write_result
    from fluents_pipelines.warehouse import open_published

    output = sys.stdout.buffer
    with open_published(settings) as connection:
        for title, sql in (
            ("The tables", _TABLES),
            ("The last days, an incident among them", _DAYS),
            ("What each agent did", _AGENTS),
        ):
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


def _go_on(
    config: Path,
    company: Company,
    urls: Urls,
    seed: int,
    seconds: float | None,
    require_receiver: Callable[[], None],
) -> None:
    """Sends calls at a human pace, and has them loaded, until Ctrl-C or for so long."""
    from fluents_connector.process import stop_event
    from fluents_warehouse.demonstration.posting import CALL_SECONDS, Live
    from fluents_warehouse.demonstration.processes import loader

    stop = stop_event()
    going = Live(company, urls, seed)
    with loader(config.parent) as loading:

        def require() -> None:
            require_receiver()
            loading.require()

        until = "Ctrl-C ends it" if seconds is None else f"it ends after {seconds:g} s"
        click.echo(
            f"\nLive: a call every {CALL_SECONDS:g} s or so, loaded as it comes; {until}. "
            "Watch it in a second terminal:\n"
            f"  {_program()} dashboard --config {config}"
        )
        sys.stdout.flush()  # it may be a pipe
        going.run(stop, seconds, require, _say)
    click.echo(f"Sent {going.sent:,} events of {going.calls:,} calls since the month.")


def _say(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()
