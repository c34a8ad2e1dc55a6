"""`dashboard`: pages about the calls, on the published warehouse."""

from __future__ import annotations

import secrets
import sys
import webbrowser
from pathlib import Path

import click

from fluents_warehouse.options import config_option


@click.command()
@click.option("--host", help="Where to listen, in place of dashboard_host.")
@click.option("--port", type=click.IntRange(1, 65535), help="In place of dashboard_port.")
@click.option("--no-open", is_flag=True, help="Print the URL and open no browser.")
@config_option
def dashboard(host: str | None, port: int | None, no_open: bool, config: Path | None) -> None:
    """Show the calls in a browser, until Ctrl-C or SIGTERM.

    Reads the published warehouse only, and shows what is published since. The URL has the token in
    it, dashboard_token of the settings or else a fresh one; without it nobody sees anything.
    """
    from fluents_connector.addresses import in_url
    from fluents_connector.logs import configure_logs
    from fluents_connector.receiver.listening import claim_port
    from fluents_connector.settings import load_settings
    from fluents_dashboard.server import serve
    from fluents_warehouse.commands.status import collect

    settings = load_settings(config)
    configure_logs(settings.log_format)
    host, port = host or settings.dashboard_host, port or settings.dashboard_port
    claim_port(host, port, "choose another --port, or set dashboard_port in fluents.toml")
    kept = settings.dashboard_token
    token = kept.get_secret_value() if kept else secrets.token_urlsafe(32)
    base = settings.dashboard_url.rstrip("/") or f"http://{in_url(host)}:{port}"
    url = f"{base}/?token={token}"

    def say() -> None:
        click.echo(f"The dashboard is {url}")
        if not kept:
            click.echo("The next start has another token: set dashboard_token to keep one.")
        click.echo("Ctrl-C ends it.")
        sys.stdout.flush()  # it may be a pipe
        if not no_open and sys.stdout.isatty():
            webbrowser.open(url)

    serve(settings, host, port, token, collect, say)
