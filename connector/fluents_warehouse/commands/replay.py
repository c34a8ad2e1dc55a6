"""`replay`: derives the warehouse again from what the buffer keeps."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluents_connector.errors import FluentsError, LoadRunning
from fluents_warehouse.commands.load import progress_bar
from fluents_warehouse.options import PointInTime, config_option, require_buffer

if TYPE_CHECKING:
    from fluents_connector.loader_state import LoaderState, ReplayAnswer
    from fluents_connector.settings import Settings

LOOK_SECONDS = 0.2


@click.command()
@click.option(
    "--since",
    type=PointInTime(),
    help="Only what was received since then: 2026-01-31, 2026-01-31T12:00 (UTC), or 7d, 12h ago.",
)
@click.option(
    "--type",
    "types",
    multiple=True,
    help="Only events of this type, such as event_transcript. May be given several times.",
)
@config_option
def replay(since: int | None, types: tuple[str, ...], config: Path | None) -> None:
    """Load again from the buffer what the warehouse holds already, and set right what differs.

    For new names in [fields], a newer version, or rows that somebody deleted. Rows that are
    right are not touched. Where `run` or `load --every` has the warehouse, that does it. The
    buffer keeps loaded events for buffer_keep_days.
    """
    from fluents_connector.loader_state import ReplayRequest, loader_state
    from fluents_connector.logs import configure_logs
    from fluents_connector.settings import load_settings

    settings = load_settings(config)
    configure_logs(settings.log_format)
    require_buffer(settings)
    request = ReplayRequest(str(uuid.uuid4()), since, types)
    state = loader_state(settings)
    state.ask(request)
    try:
        result = _wait(settings, state, request.request_id)
    finally:
        state.withdraw(request.request_id)
    if result.error is not None:
        raise FluentsError(f"The replay failed: {result.error}")
    click.echo(describe(result))
    if result.damaged:
        click.echo(
            f"{result.damaged:,} bodies in the buffer have changed and were left out: run "
            "`fluents-warehouse buffer check`."
        )
    click.echo(f"Published {settings.warehouse_path}.")


def _wait(settings: Settings, state: LoaderState, request_id: str) -> ReplayAnswer:
    """Loads, or waits for the loader that runs: either does what was asked."""
    from fluents_pipelines.load import Loader

    with progress_bar("Replaying") as progress:
        while True:
            if (result := state.answered(request_id)) is not None:
                return result
            try:
                with Loader(settings) as loader:
                    loader.load(progress)
            except LoadRunning:
                time.sleep(LOOK_SECONDS)


def describe(result: ReplayAnswer) -> str:
    """What a replay did, in two sentences."""
    if result.first_received_at is None:
        return "The buffer keeps no loaded delivery that fits."
    since = datetime.fromtimestamp(result.first_received_at / 1e6, UTC)
    return (
        f"Read {result.deliveries:,} deliveries again, received since "
        f"{since.isoformat(sep=' ', timespec='seconds')}. "
        f"Rows added: {result.added:,}, changed: {result.changed:,}, removed: {result.removed:,}."
    )
