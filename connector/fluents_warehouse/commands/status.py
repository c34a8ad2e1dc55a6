"""`status`: what was received and what became of it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fluents_connector.errors import FluentsError
from fluents_connector.settings import Settings
from fluents_warehouse.commands import alerts
from fluents_warehouse.options import config_option, fail_if_option
from fluents_warehouse.status_text import show

if TYPE_CHECKING:
    from fluents_connector.buffer import StoredDelivery

SHOWN_REFUSED = 3
LOOKED_THROUGH_BYTES = 8 * 1024**2  # of refused bodies: the newest are found by looking at all


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
@fail_if_option
@config_option
def status(as_json: bool, fail_if: str | None, config: Path | None) -> None:
    """Show what was received, loaded and refused, what waits, and the last load.

    It begins with what to do until the first event is loaded.

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
        show(state)
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
    from fluents_connector.receiver.refusals import ADVICE, read_refusals
    from fluents_warehouse.first_steps import first_steps, receiver_listens

    now = time.time() if now is None else now
    counts = Counts(0, 0, 0, 0, 0, None, 0, 0)
    buffer_id = durability = None
    kept: list[StoredDelivery] = []
    store = buffer_store(settings)
    if store.exists():  # asking must not make one
        buffer = open_buffer(settings)
        try:
            counts, buffer_id = buffer.counts(), buffer.buffer_id
            durability = buffer.durability()
            if counts.quarantined and counts.quarantine_bytes <= LOOKED_THROUGH_BYTES:
                kept = buffer.quarantined(SHOWN_REFUSED)
        finally:
            buffer.close()
    report = loader_state(settings).report()
    refusals = read_refusals(settings.data_dir)
    listens = receiver_listens(settings)
    not_let_in = sum(row["count"] for row in refusals.values())
    steps = first_steps(settings, counts, listens=listens, not_let_in=not_let_in)
    oldest = counts.oldest_pending_at
    return {
        "first_steps": [asdict(step) for step in steps],
        "receiver": {"address": settings.address, "listens": listens},
        "received": counts.received,
        "loaded": counts.loaded,
        "duplicates": counts.duplicates,
        "quarantined": counts.quarantined,
        "pending": counts.pending,
        "quarantine_bytes": counts.quarantine_bytes,
        "redacted": counts.redacted,
        "oldest_pending_age_seconds": None if oldest is None else round(now - oldest / 1e6, 3),
        "refused_requests": {
            reason: {
                "count": row["count"],
                "last_at": _utc(row["last_at"]),
                "advice": ADVICE.get(reason, ""),
            }
            for reason, row in sorted(refusals.items())
        },
        "newest_quarantined": [
            {
                "delivery_id": one.event_id,
                "received_at": _utc(one.received_at / 1e6),
                "reason": one.reason,
                "detail": one.detail,
            }
            for one in kept
        ],
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
