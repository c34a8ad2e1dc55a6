"""`serve`: the receiver."""

from __future__ import annotations

from pathlib import Path

import click

from fluents_warehouse.options import config_option


@click.command()
@config_option
def serve(config: Path | None) -> None:
    """Receive webhooks and store them durably, until Ctrl-C or SIGTERM."""
    from fluents_connector.logs import configure_logs
    from fluents_connector.receiver.server import serve as serve_until_stopped
    from fluents_connector.settings import load_settings

    settings = load_settings(config)
    configure_logs(settings.log_format)
    serve_until_stopped(settings)
