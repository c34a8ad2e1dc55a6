"""`status`: what was received and what became of it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from fluents_connector.errors import FluentsError
from fluents_connector.printing import printable
from fluents_connector.settings import Settings
from fluents_warehouse.commands import alerts
from fluents_warehouse.options import config_option, fail_if_option
from fluents_warehouse.tables import console


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
@fail_if_option
@config_option
def status(as_json: bool, fail_if: str | None, config: Path | None) -> None:
    """Show what was received, loaded and refused, what waits, and the last load.

    received = loaded + duplicates + quarantined + pending, at all times. With --fail-if the alerts
    are run too, and what they find is shown.
    """
    from fluents_connector.settings import load_settings

    settings = load_settings(config)
    state = collect(settings)
    found = None
    if fail_if:
        from fluents_pipelines.alerts import look

        found = look(settings, datetime.now(UTC))
    if as_json:
        findings = {"alerts": alerts.as_json(found)} if found else {}
        click.echo(json.dumps(state | findings, indent=2))
    else:
        _show(state)
        if found:
            click.echo()
            alerts.show(found)
    if found and alerts.reaches(found, fail_if):
        raise click.exceptions.Exit(alerts.FOUND)
    if found and found.errors:
        raise click.exceptions.Exit(1)


def collect(settings: Settings, now: float | None = None) -> dict[str, Any]:
    """The state as `status --json` prints it. Times are ISO 8601 in UTC, ages in seconds."""
    from fluents_connector.buffer import Counts, buffer_store, open_buffer
    from fluents_connector.loader_state import loader_state
    from fluents_connector.receiver.refusals import read_refusals

    now = time.time() if now is None else now
    counts = Counts(0, 0, 0, 0, 0, None, 0, 0)
    buffer_id = durability = None
    store = buffer_store(settings)
    if store.exists():  # asking must not make one
        buffer = open_buffer(settings)
        try:
            counts, buffer_id = buffer.counts(), buffer.buffer_id
            durability = buffer.durability()
        finally:
            buffer.close()
    report = loader_state(settings).report()
    oldest = counts.oldest_pending_at
    return {
        "received": counts.received,
        "loaded": counts.loaded,
        "duplicates": counts.duplicates,
        "quarantined": counts.quarantined,
        "pending": counts.pending,
        "quarantine_bytes": counts.quarantine_bytes,
        "redacted": counts.redacted,
        "oldest_pending_age_seconds": None if oldest is None else round(now - oldest / 1e6, 3),
        "refused_requests": {
            reason: {"count": row["count"], "last_at": _utc(row["last_at"])}
            for reason, row in sorted(read_refusals(settings.data_dir).items())
        },
        "last_load": None
        if report is None
        else {
            "finished_at": _utc(report.finished_at),
            "seconds": round(report.finished_at - report.started_at, 3),
            "deliveries": report.deliveries,
            "succeeded": report.succeeded,
            "error": report.error,
        },
        "model_errors": [] if report is None else report.model_errors,
        "buffer": {
            "path": store.description,
            "buffer_id": buffer_id,
            "durability": durability.description if durability else None,
            "replicas": durability.replicas if durability else None,
        },
        "warehouse": {
            "path": str(settings.warehouse_path),
            "exists": settings.warehouse_path.exists(),
            "published_at": _published_at(settings.warehouse_path),
            **_held(settings, buffer_id, counts.confirmed_position),
            "publish_waits": report.publish_waits if report else None,
            "last_publish": asdict(report.published) if report and report.published else None,
            "taken_back_at": _utc(report.taken_back_at)
            if report and report.taken_back_at
            else None,
        },
    }


def _held(settings: Settings, buffer_id: str | None, confirmed: int) -> dict[str, Any]:
    """How much was loaded since it was published, by what that says of itself.

    None, and why, where it cannot be read.
    """
    import duckdb

    from fluents_pipelines.warehouse import published

    try:
        state = published(settings).state()
    except (FluentsError, OSError, duckdb.Error) as error:
        return {"loaded_since": None, "error": str(error)}
    position = state.positions.get(buffer_id or "", 0) if state else 0
    return {"loaded_since": max(0, confirmed - position), "error": None}


def _published_at(path: Path) -> str | None:
    try:
        return _utc(path.stat().st_mtime)
    except OSError:
        return None


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _show(state: dict[str, Any]) -> None:
    from rich.table import Table

    from fluents_connector.receiver.refusals import ADVICE

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    parts = (
        ("loaded", "events in the warehouse"),
        ("duplicates", "repeat an event, counted once"),
        ("quarantined", "refused and kept: see `quarantine list`"),
        ("pending", "events for the next load"),
    )
    table.add_row("received", f"{state['received']:,}", "deliveries, of which")
    for name, meaning in parts:
        table.add_row(f"  {name}", f"{state[name]:,}", meaning)
    console().print(table)
    click.echo()
    age = state["oldest_pending_age_seconds"]
    click.echo(f"Oldest pending: {'none' if age is None else _duration(age)}")
    if state["redacted"]:
        click.echo(f"Redacted:       {state['redacted']:,} values (redact_fields)")
    for reason, refused in state["refused_requests"].items():
        click.echo(
            f"Not let in:     {refused['count']:,} {printable(reason)}, last {refused['last_at']}. "
            f"{ADVICE.get(reason, '')}"
        )
    click.echo(f"Last load:      {printable(_last_load(state['last_load']))}")
    click.echo(f"Buffer:         {printable(state['buffer']['path'])}")
    if durability := state["buffer"]["durability"]:
        click.echo(f"                {printable(durability)}")
    for error in state["model_errors"]:
        click.echo(f"Your model:     {printable(error)}")
    warehouse = state["warehouse"]
    click.echo(f"Warehouse:      {printable(_warehouse(warehouse))}")
    if published := warehouse["last_publish"]:
        click.echo(
            f"                {published['method']}: {published['bytes_written']:,} bytes "
            f"in {published['seconds']:.2f} s"
        )
    if warehouse["publish_waits"]:
        click.echo(f"                {printable(warehouse['publish_waits'])}")
    if warehouse["taken_back_at"]:
        click.echo(
            "                The loader's file was lost, and the published one taken back: "
            f"{warehouse['taken_back_at']}"
        )


def _warehouse(warehouse: dict[str, Any]) -> str:
    if not warehouse["exists"]:
        return f"{warehouse['path']} (not there yet: run `load`)"
    if warehouse["error"]:
        return f"{warehouse['path']} cannot be read: {warehouse['error']}"
    since = warehouse["loaded_since"]
    waits = f"; loaded since, for the next publish: {since:,}" if since else ""
    return f"{warehouse['path']}, published {warehouse['published_at']}{waits}"


def _last_load(last: dict[str, Any] | None) -> str:
    if last is None:
        return "none yet"
    if not last["succeeded"]:
        return f"{last['finished_at']} failed: {last['error']}"
    return f"{last['finished_at']}, {last['deliveries']:,} deliveries in {last['seconds']:.1f} s"


def _duration(seconds: float) -> str:
    for limit, divisor, unit in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / divisor:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"
