"""What alerts may ask for by `getvariable('…')` beside their limits, and who is asked for it."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import duckdb

from fluents_connector.buffer import buffer_store, open_buffer
from fluents_connector.errors import BufferRefused, BufferUnavailable
from fluents_connector.loader_state import loader_state
from fluents_connector.settings import Settings
from fluents_pipelines.warehouse import published
from fluents_pipelines.warehouse.progress import position

FACTS = {
    "now": "timestamptz",
    "time_zone": "varchar",
    "waiting_count": "bigint",
    "waiting_since": "timestamptz",
    "load_error": "varchar",
    "publish_waits": "varchar",
    "model_errors": "varchar[]",
    "warehouse_error": "varchar",
    "buffer_error": "varchar",
}
"""The names, with their types in DuckDB."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The values of `FACTS`; None for what nobody knows."""

    now: datetime
    time_zone: str = "UTC"
    waiting_count: int | None = None
    """Deliveries in the buffer that the published warehouse does not hold."""
    waiting_since: datetime | None = None
    """Receipt of the oldest of them."""
    load_error: str | None = None
    publish_waits: str | None = None
    model_errors: list[str] = field(default_factory=list)
    warehouse_error: str | None = None
    buffer_error: str | None = None


def gather(
    settings: Settings,
    now: datetime,
    warehouse: duckdb.DuckDBPyConnection | None,
    warehouse_error: str | None,
) -> Facts:
    """The facts as they are, by the buffer, the last load and the warehouse, if it can be read."""
    report = loader_state(settings).report()
    count = since = buffer_error = None
    store = buffer_store(settings)
    try:
        if store.exists():  # asking must not make one
            count, since = _waiting(settings, warehouse)
    except (BufferUnavailable, BufferRefused) as error:
        buffer_error = _one_line(error)
    if report is None and published(settings).version() is None and store.exists():
        warehouse_error = None  # the first load has not ended; if that takes long, `lag` is found
    return Facts(
        now=now,
        time_zone=settings.time_zone,
        waiting_count=count,
        waiting_since=since,
        load_error=_one_line(report.error) if report and report.error else None,
        publish_waits=report.publish_waits if report else None,
        model_errors=report.model_errors if report else [],
        warehouse_error=warehouse_error and _one_line(warehouse_error),
        buffer_error=buffer_error,
    )


def _waiting(
    settings: Settings, warehouse: duckdb.DuckDBPyConnection | None
) -> tuple[int, datetime | None]:
    """How many deliveries the buffer has and readers do not see, and the receipt of the oldest."""
    with closing(open_buffer(settings)) as buffer:
        counts = buffer.counts()
        seen, last = counts.confirmed_position, counts.last_position
        if warehouse is not None:
            with suppress(duckdb.Error):  # damaged: the alerts that read it say so
                seen, _ = position(warehouse, buffer.buffer_id)
        if seen >= last:
            return 0, None
        rows = buffer.read(seen, last, max_rows=1, max_bytes=1).rows
    oldest = datetime.fromtimestamp(rows[0].received_at / 1e6, UTC) if rows else None
    return last - seen, oldest


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
