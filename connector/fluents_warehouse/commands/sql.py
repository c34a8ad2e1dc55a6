"""`sql`: the published warehouse for DuckDB clients."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluents_connector.process import stop_event
from fluents_warehouse.options import config_option

if TYPE_CHECKING:
    from fluents_pipelines.readers.sql_server import SqlServer

LOOK_SECONDS = 0.2  # for a file that was published since
STOP_SECONDS = 10.0


@click.command()
@click.option("--check", is_flag=True, help="Only say whether SQL can be served here.")
@config_option
def sql(check: bool, config: Path | None) -> None:
    """Serve the published warehouse to DuckDB clients, read-only, until Ctrl-C or SIGTERM.

    `run --sql` does it beside the receiver and the loader. Clients see what is published at once.
    It needs DuckDB's extension quack, and sql_token in the settings; `init` prints how to attach.
    """
    import structlog

    from fluents_connector.logs import configure_logs
    from fluents_connector.settings import load_settings
    from fluents_pipelines.readers.sql_server import SqlServer, check_quack

    settings = load_settings(config)
    configure_logs(settings.log_format)
    if check:
        check_quack(settings)
        click.echo("SQL can be served.")
        return
    stop = stop_event()
    with SqlServer(settings) as server:
        structlog.get_logger(__name__).info("sql_served", uri=server.uri)
        while not stop.wait(LOOK_SECONDS):
            server.follow()
        _end_within(STOP_SECONDS, server)


def _end_within(seconds: float, server: SqlServer) -> None:
    """Ends the process where the server does not: it only reads, so nothing is lost."""

    def end() -> None:
        server.remove_links()
        os._exit(0)

    # Quack did not come back from its stop in one of some hundred runs of the tests, on a machine
    # that much other work shared. What it waited for is not known.
    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
