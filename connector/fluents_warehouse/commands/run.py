"""`run`: receiver and loader, each in a process of its own, supervised."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import click

from fluents_connector.errors import FluentsError, SettingsError
from fluents_connector.process import end_with_parent, stop_event
from fluents_connector.settings import WARNED
from fluents_warehouse.child import end
from fluents_warehouse.options import Duration, config_option

# A receiver or SQL server that never ran for so long is not started again: a setting or a port is
# wrong, and its message is on stderr. One that has run is always started again. So is the loader,
# whatever happens: the receiver does not stop because of it.
STARTED_SECONDS = 5.0
RESTART_SECONDS = 1.0
MAX_RESTART_SECONDS = 60.0  # the wait doubles up to this while a process ends soon after its start
ALERTS_EVERY = "1m"
STOP_SECONDS = 30.0  # for requests and a load under way; then they are killed, and nothing is lost


class _Child:
    """A command in a process of its own, started again when it ends."""

    def __init__(self, name: str, arguments: list[str], *, must_start: bool = True) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "fluents_warehouse", *arguments]
        self._has_started = not must_start
        self._wait_seconds = RESTART_SECONDS
        self._restart_at: float | None = None
        self.start()

    def start(self) -> None:
        # In its own session, so that Ctrl-C reaches only the supervisor, which stops each in turn.
        self.process = subprocess.Popen(  # noqa: S603
            self._command,
            env={**os.environ, WARNED: "1"},
            start_new_session=True,
            preexec_fn=partial(end_with_parent, os.getpid()),  # the supervisor has no threads
        )
        self._started_at = time.monotonic()
        self._restart_at = None

    def is_due(self) -> bool:
        """Whether it has ended and its wait for the next start is over. Logs that it ended."""
        import structlog

        if not self.has_ended():
            return False
        now = time.monotonic()
        if self._restart_at is None:
            ran_long = now - self._started_at > STARTED_SECONDS
            self._wait_seconds = RESTART_SECONDS if ran_long else self._wait_seconds * 2
            self._wait_seconds = min(self._wait_seconds, MAX_RESTART_SECONDS)
            self._restart_at = now + self._wait_seconds
            structlog.get_logger(__name__).error(
                "process_died",
                name=self.name,
                status=self.process.returncode,
                starts_again_in_seconds=self._wait_seconds,
            )
        return now >= self._restart_at

    def has_ended(self) -> bool:
        """Whether it has ended. Raises `FluentsError` if it failed at its first start."""
        has_ended = self.process.poll() is not None
        if time.monotonic() - self._started_at > STARTED_SECONDS:
            self._has_started = True
        if has_ended and self.process.returncode > 0 and not self._has_started:
            raise FluentsError(
                f"`fluents-warehouse {self.name}` could not start; its message is above."
            )
        return has_ended

    def stop(self) -> None:
        end(self.process, STOP_SECONDS)


def _check_sql(options: list[str], stop: threading.Event) -> None:
    """Ends the command if SQL cannot be served, after the message of `sql --check`.

    It may take minutes, while DuckDB downloads extensions.
    """
    check = _Child("sql --check", ["sql", "--check", *options])
    while check.process.poll() is None:
        if stop.wait(0.2):
            check.stop()
            return
    if check.process.returncode:
        raise click.exceptions.Exit(max(check.process.returncode, 1))  # below 0: by a signal


@click.command()
@click.option(
    "--every",
    type=Duration(),
    default="1s",
    show_default=True,
    help="Load what arrives at once, but at most this often.",
)
@click.option("--sql", is_flag=True, help="Serve the published warehouse to DuckDB clients too.")
@config_option
def run(every: float, sql: bool, config: Path | None) -> None:
    """Receive and load, until Ctrl-C or SIGTERM.

    Runs `serve` and `load --every`, with --sql also `sql`, and where alerts_url is set `alerts
    --post --every 1m`, as processes of their own, and starts one again if it dies.
    """
    from fluents_connector.logs import configure_logs
    from fluents_connector.receiver.listening import check_can_listen, claim_port
    from fluents_connector.settings import load_settings

    settings = load_settings(config)  # warns here, and not in each process
    if not settings.webhooks:
        raise SettingsError("No webhook has a token. Run `fluents-warehouse init`.")
    configure_logs(settings.log_format)
    check_can_listen(settings)  # here too, so that a second `run` ends at once, with one message
    if sql:
        claim_port(
            settings.sql_host,
            settings.sql_port,
            "set sql_host and sql_port in fluents.toml",
        )
    stop = stop_event()
    options = ["--config", str(config)] if config else []
    if sql:
        _check_sql(options, stop)
    if stop.is_set():
        return
    # The receiver is stopped first, so that the loader takes what it stored last.
    receiver = _Child("serve", ["serve", *options])
    loader = _Child("load", ["load", "--every", f"{every}s", *options], must_start=False)
    children = [receiver, loader]
    if sql:
        children.append(_Child("sql", ["sql", *options]))
    if settings.alerts_url is not None:
        # of its own, so that it neither slows nor stops loads, and finds what a dead loader leaves
        arguments = ["alerts", "--post", "--every", ALERTS_EVERY, *options]
        children.append(_Child("alerts", arguments, must_start=False))
    try:
        while not stop.wait(0.2):
            for child in children:
                if child.is_due() and not stop.is_set():
                    child.start()
    finally:
        for child in children:
            child.stop()
