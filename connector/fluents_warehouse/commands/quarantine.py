"""`quarantine`: deliveries that could not be events."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import click

from fluents_connector.buffer import Quarantine, StoredDelivery
from fluents_connector.errors import FluentsError
from fluents_connector.printing import printable
from fluents_warehouse.options import config_option, require_buffer
from fluents_warehouse.tables import print_table


@click.group()
def quarantine() -> None:
    """Deliveries that could not be events: look at them, try them again, or drop them."""


@quarantine.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")
@config_option
def list_(limit: int, as_json: bool, config: Path | None) -> None:
    """List refused deliveries, newest first."""
    with _opened(config) as opened:
        refused = opened.quarantined(limit)
    if as_json:
        for delivery in refused:
            click.echo(json.dumps(_summary(delivery)))
        return
    if not refused:
        click.echo("The quarantine is empty.")
        return
    columns = ("delivery_id", "reason", "detail", "received_at", "webhook", "bytes")
    rows = [_summary(delivery) for delivery in refused]
    print_table(columns, [[row[column] for column in columns] for row in rows])


@quarantine.command()
@click.argument("delivery_id")
@config_option
def show(delivery_id: str, config: Path | None) -> None:
    """Show one refused delivery: why, on standard error, and its body as it came.

    DELIVERY_ID may be the beginning of one, if it is the only one.
    """
    with _opened(config) as opened:
        delivery = _only(opened, delivery_id)
    for name, value in _summary(delivery).items():
        click.echo(f"{name}: {printable(value)}", err=True)
    sys.stdout.buffer.write(delivery.body or b"")
    sys.stdout.buffer.flush()
    if sys.stdout.isatty():
        click.echo()


@quarantine.command()
@click.argument("delivery_ids", nargs=-1)
@click.option("--all", "all_", is_flag=True, help="Try all of them again.")
@click.option(
    "--body",
    type=click.File("rb"),
    help="Store this body instead: what the delivery should have been.",
)
@config_option
def retry(
    delivery_ids: tuple[str, ...], all_: bool, body: BinaryIO | None, config: Path | None
) -> None:
    """Judge refused deliveries again; those that are events now are stored, under their id.

    Helps after an update that refuses less, or with --body after a repair. Ends with status 1
    if any is still refused.
    """
    from fluents_connector.delivery import validate
    from fluents_connector.redaction import Redactor
    from fluents_connector.settings import load_settings

    if body is not None and (all_ or len(delivery_ids) != 1):
        raise click.UsageError("--body needs exactly one DELIVERY_ID.")
    content = None if body is None else body.read()
    redactor = Redactor(load_settings(config).redact_fields)
    refused_again = 0
    with _opened(config) as opened:
        for delivery in _chosen(opened, delivery_ids, all_):
            judged = redactor.redacted(
                validate(
                    content if content is not None else delivery.body or b"",
                    webhook=delivery.webhook,
                    received_at=delivery.received_at,
                    event_id=delivery.event_id,
                )
            )
            if judged.reason is None:
                receipt = opened.retry(judged)
                outcome = "duplicate" if receipt and receipt.duplicate_of else "stored"
            else:
                refused_again += 1
                outcome = f"still refused: {judged.reason}: {printable(judged.detail)}"
            click.echo(f"{delivery.event_id}  {outcome}")
    if refused_again:
        raise click.exceptions.Exit(1)


@quarantine.command()
@click.argument("delivery_ids", nargs=-1)
@click.option("--all", "all_", is_flag=True, help="Drop all of them.")
@config_option
def drop(delivery_ids: tuple[str, ...], all_: bool, config: Path | None) -> None:
    """Take refused deliveries off the list for good.

    They stay counted as quarantined, and in the warehouse's table of the same name.
    """
    with _opened(config) as opened:
        for delivery in _chosen(opened, delivery_ids, all_):
            opened.drop(delivery.event_id)
            click.echo(f"{delivery.event_id}  dropped")


def _chosen(opened: Quarantine, delivery_ids: tuple[str, ...], all_: bool) -> list[StoredDelivery]:
    if all_ == bool(delivery_ids):
        raise click.UsageError("Give either DELIVERY_IDs or --all.")
    if all_:
        return opened.quarantined(limit=2**31)
    return [_only(opened, delivery_id) for delivery_id in delivery_ids]


def _only(opened: Quarantine, delivery_id: str) -> StoredDelivery:
    delivery = opened.quarantined_delivery(delivery_id)
    if delivery is None:
        raise FluentsError(
            f"No single delivery in the quarantine starts with {delivery_id!r}. "
            "See `fluents-warehouse quarantine list`."
        )
    return delivery


@contextmanager
def _opened(config: Path | None) -> Iterator[Quarantine]:
    from fluents_connector.buffer import open_buffer
    from fluents_connector.settings import load_settings

    settings = load_settings(config)
    require_buffer(settings)
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
