"""The command line: one module a command, each importing what it needs only when it runs."""

from __future__ import annotations

import os
import signal
import sys

import click

from fluents_connector import __version__
from fluents_connector.errors import AlertsRunning, FluentsError, LoadRunning
from fluents_connector.permissions import OWNER_ONLY
from fluents_connector.printing import printable
from fluents_warehouse.commands.alerts import alerts
from fluents_warehouse.commands.buffer import buffer
from fluents_warehouse.commands.compact import compact
from fluents_warehouse.commands.dashboard import dashboard
from fluents_warehouse.commands.demo import demo
from fluents_warehouse.commands.export import export
from fluents_warehouse.commands.init import init
from fluents_warehouse.commands.load import load
from fluents_warehouse.commands.models import models
from fluents_warehouse.commands.notebook import notebook
from fluents_warehouse.commands.quarantine import quarantine
from fluents_warehouse.commands.query import query
from fluents_warehouse.commands.replay import replay
from fluents_warehouse.commands.run import run
from fluents_warehouse.commands.search import search
from fluents_warehouse.commands.send import send
from fluents_warehouse.commands.serve import serve
from fluents_warehouse.commands.sql import sql
from fluents_warehouse.commands.status import status


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="fluents-warehouse")
def cli() -> None:
    """Takes Fluents.ai voice-call webhooks into DuckDB tables that you can query.

    Start with `demo`, which shows the whole path on simulated calls, or with `init` and `run`.
    """


for command in (
    init,
    serve,
    load,
    run,
    sql,
    demo,
    send,
    status,
    query,
    search,
    export,
    models,
    alerts,
    dashboard,
    notebook,
    quarantine,
    replay,
    compact,
    buffer,
):
    cli.add_command(command)


def main() -> None:
    """Runs the command line.

    Exit statuses: 0 done, 1 failed, 2 wrong use, 3 already running, 4 found what --fail-if names,
    130 ended by Ctrl-C.
    """
    os.umask(OWNER_ONLY)
    interrupts: list[int] = []

    def interrupt(number: int, _: object) -> None:
        interrupts.append(number)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, interrupt)
    try:
        _run(interrupts)
    except KeyboardInterrupt:  # a second Ctrl-C
        sys.exit(130)


def _run(interrupts: list[int]) -> None:
    try:
        try:
            # click returns the status of an Exit; a command itself returns None
            sys.exit(cli(prog_name="fluents-warehouse", standalone_mode=False))
        except Exception as error:
            # DuckDB, and modules during their import, raise other errors at a Ctrl-C
            if interrupts:
                raise click.exceptions.Abort from error
            raise
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except FluentsError as error:
        text = "\n".join(map(printable, str(error).split("\n")))
        click.echo(f"Error: {text}", err=True)
        sys.exit(3 if isinstance(error, LoadRunning | AlertsRunning) else 1)
    except BrokenPipeError:
        # `query … | head` closed the pipe; Python would report it again when it exits.
        sys.stdout = None
        sys.exit(0)
