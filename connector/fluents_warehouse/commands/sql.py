"""`sql`: the published warehouse for DuckDB clients."""

from __future__ import annotations

from pathlib import Path

import click

from fluents_connector.process import stop_event
from fluents_warehouse.options import config_option

LOOK_SECONDS = 0.2  # for a file that was published since


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
