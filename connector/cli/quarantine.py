"""`quarantine`: deliveries that could not be events."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from connector.buffer import Buffer, StoredDelivery
from connector.cli.options import config_option
from connector.errors import FluentsError


@click.group()
def quarantine() -> None:
    """Look at deliveries that could not be events. Nothing of them is lost."""


@quarantine.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")
@config_option
def list_(limit: int, as_json: bool, config: Path | None) -> None:
    """List refused deliveries, newest first."""
    with _buffer(config) as buffer:
        refused = buffer.quarantined(limit)
    if as_json:
        for delivery in refused:
            click.echo(json.dumps(_summary(delivery)))
        return
    if not refused:
        click.echo("The quarantine is empty.")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("delivery_id", "received_at", "webhook", "bytes", "reason", "detail")
    table.columns[0].no_wrap = True
    for delivery in refused:
        table.add_row(*(str(value) for value in _summary(delivery).values()))
    Console().print(table)


@quarantine.command()
@click.argument("delivery_id")
@config_option
def show(delivery_id: str, config: Path | None) -> None:
    """Show one refused delivery: why, on standard error, and its body as it came.

    DELIVERY_ID may be the beginning of one, if it is the only one.
    """
    with _buffer(config) as buffer:
        delivery = buffer.quarantined_delivery(delivery_id)
    if delivery is None:
        raise FluentsError(
            f"No single delivery in the quarantine starts with {delivery_id!r}. "
            "See `fluents-warehouse quarantine list`."
        )
    for name, value in _summary(delivery).items():
        click.echo(f"{name}: {value}", err=True)
    sys.stdout.buffer.write(delivery.body or b"")
    sys.stdout.buffer.flush()
    if sys.stdout.isatty():
        click.echo()


@contextmanager
def _buffer(config: Path | None) -> Iterator[Buffer]:
    from connector.buffer import open_buffer
    from connector.settings import load_settings

    settings = load_settings(config)
    if not settings.buffer_file.exists():
        raise FluentsError(
            f"There is no buffer at {settings.buffer_file} yet: nothing was received."
        )
    buffer = open_buffer(settings)
    try:
        yield buffer
    finally:
        buffer.close()


def _summary(delivery: StoredDelivery) -> dict[str, Any]:
    received_at = datetime.fromtimestamp(delivery.received_at / 1e6, UTC)
    return {
        "delivery_id": delivery.event_id,
        "received_at": received_at.isoformat(timespec="milliseconds"),
        "webhook": delivery.webhook,
        "bytes": None if delivery.body is None else len(delivery.body),
        "reason": delivery.reason,
        "detail": delivery.detail,
    }
