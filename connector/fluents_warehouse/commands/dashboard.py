"""`dashboard`: the marimo application on the published warehouse, in a process of its own."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import webbrowser
from functools import partial
from pathlib import Path

import click

from fluents_connector.errors import FluentsError
from fluents_connector.process import end_with_parent, stop_event
from fluents_warehouse.child import end, wait_until_ready
from fluents_warehouse.options import config_option

START_SECONDS = 60.0
STOP_SECONDS = 10.0


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=2718, show_default=True, type=click.IntRange(1, 65535))
@click.option("--no-open", is_flag=True, help="Print the URL and open no browser.")
@config_option
def dashboard(host: str, port: int, no_open: bool, config: Path | None) -> None:
    """Show the calls in a browser, until Ctrl-C or SIGTERM.

    Reads the published warehouse only, and anew at each refresh. The URL has a fresh token in it;
    without it nobody sees anything. Visitors can neither see nor change the code.
    """
    from fluents_connector.receiver.listening import claim_port
    from fluents_connector.settings import load_settings
    from fluents_pipelines.readers.notebook_files import notebooks_folder, require
    from fluents_pipelines.warehouse import published

    require("dashboard", "marimo", "altair")
    settings = load_settings(config)
    claim_port(host, port, "choose another --port")
    token = secrets.token_urlsafe(24)
    stop = stop_event()
    process = _start(
        notebooks_folder() / "dashboard.py", host, port, token, published(settings).location
    )
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    try:
        is_ready = wait_until_ready(f"{base}/health", process, START_SECONDS, stop)
        if not stop.is_set():
            if not is_ready:
                raise FluentsError("The dashboard did not start; its message is above.")
            url = f"{base}/?access_token={token}"
            click.echo(f"The dashboard is {url}\nCtrl-C ends it.")
            sys.stdout.flush()  # it may be a pipe
            if not no_open and sys.stdout.isatty():
                webbrowser.open(url)
        while not stop.wait(0.2):
            if process.poll() is not None:
                raise FluentsError("The dashboard ended by itself; its message is above.")
    finally:
        end(process, STOP_SECONDS)


def _start(app: Path, host: str, port: int, token: str, warehouse: str) -> subprocess.Popen[bytes]:
    """marimo in run mode, which serves no code and lets nobody change any."""
    command = [
        *(sys.executable, "-m", "fluents_warehouse.dashboard_server"),
        *("--quiet", "--yes", "run", str(app)),
        *("--headless", "--host", host, "--port", str(port), "--no-sandbox", "--no-check"),
        # from its standard input, as all users of a machine see a process's arguments
        *("--token", "--token-password-file", "-"),
    ]
    environment = {
        **os.environ,
        "FLUENTS_WAREHOUSE_PATH": warehouse,
        "MARIMO_SKIP_UPDATE_CHECK": "1",
    }
    process = subprocess.Popen(  # noqa: S603 # our own command
        command,
        env=environment,
        stdin=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=partial(end_with_parent, os.getpid()),  # this process has no threads
    )
    assert process.stdin is not None  # noqa: S101 # it is a pipe
    with process.stdin as pipe:
        pipe.write(token.encode())
    return process
