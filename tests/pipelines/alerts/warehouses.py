"""Warehouses in memory for alerts, filled by rows that are spread evenly over a stretch of time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import duckdb

from fluents_connector.settings import Settings
from fluents_pipelines.models import built_in, incremental
from fluents_pipelines.tables import SCHEMA
from tests.pipelines.models.test_model_cases import create_tables

AGENTS = {"nora": "Nora", "+15550000001": "Nora"}
MODELS = built_in.models(Settings(agents=AGENTS))
KEYS = {"calls": "call_id", "events": "event_id", "quarantine": "delivery_id"}
TIMES = {
    "calls": ("first_event_at", "last_event_at"),
    "events": ("received_at",),
    "quarantine": ("received_at",),
}


@contextmanager
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse without rows, in memory, with all tables and models."""
    with duckdb.connect() as connection:
        create_tables(connection)
        built_in.build(connection, MODELS)
        yield connection


def fill(connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> None:
    """Adds what each of `rows` stands for: see tests/data/alert_cases/README.md."""
    for number, spec in enumerate(rows):
        begin, end = (datetime.fromisoformat(spec[edge]) for edge in ("from", "until"))
        for weeks in spec.get("weeks_before", [0]):
            before = timedelta(weeks=weeks)
            values = {"webhook": "main", **spec.get("row", {})}
            stretch = (spec["count"], begin - before, end - before)
            add(connection, spec["table"], f"{number}-{weeks}", stretch, values)
            if spec["table"] == "calls":
                event = {"webhook": values["webhook"]}
                add(connection, "events", f"{number}-{weeks}", stretch, event)


def add(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    name: str,
    stretch: tuple[int, datetime, datetime],
    values: dict[str, Any],
) -> None:
    """Adds so many rows to a table, received evenly from one time to another."""
    count, begin, end = stretch
    columns = [KEYS[table], *TIMES[table], *values]
    at = "?::timestamptz + to_microseconds(range * ?::bigint // ?::bigint)"
    times = [at] * len(TIMES[table])
    lasts = (end - begin) // timedelta(microseconds=1)
    connection.execute(
        f"insert into {SCHEMA}.{table} ({', '.join(columns)})"
        f" select ? || '-' || range, {', '.join([*times, *('?' for _ in values)])}"
        " from range(?::bigint)",
        [name, *[begin, lasts, max(1, count - 1)] * len(times), *values.values(), count],
    )


def refresh(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the models that are tables anew, for all calls."""
    incremental.mark_all_stale(connection)
    incremental.refresh(connection, MODELS)
