"""Time zone, agents and prices of the settings are in what the models say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from fluents_connector.settings import Settings
from fluents_pipelines.models import built_in, incremental
from tests.pipelines.models.test_model_cases import create_tables

# Rules that have stood for years, so that every list of time zones has them.
CHANGES = {
    "Europe/Berlin": ["2025-03-30T01:00", "2025-10-26T01:00"],
    "America/New_York": ["2025-03-09T07:00", "2025-11-02T06:00"],
    "America/St_Johns": ["2025-03-09T05:30", "2025-11-02T04:30"],  # 3.5 and 2.5 hours behind UTC
    "Australia/Lord_Howe": ["2025-04-05T15:00", "2025-10-04T15:30"],  # changes by half an hour
    "Asia/Kolkata": ["2025-01-01T00:00"],
    "Asia/Kathmandu": ["2025-01-01T00:00"],  # 5 hours and 45 minutes before UTC
    "UTC": ["2025-01-01T00:00"],
}


def filled(settings: Settings, calls: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    """A warehouse in memory with these rows of `fluents.calls`, an action each, and its models."""
    connection = duckdb.connect()
    create_tables(connection)
    models = built_in.models(settings)
    built_in.build(connection, models)
    for number, call in enumerate(calls):
        row = {"call_id": str(number), "webhook": "main", **call}
        row["last_event_at"] = row.get("ended_at") or row["first_event_at"]
        names = ", ".join(row)
        marks = ", ".join("?" * len(row))
        connection.execute(
            f"insert into fluents.calls ({names}) values ({marks})", list(row.values())
        )
        connection.execute(
            "insert into fluents.actions (call_id, event_id, received_at) values (?, ?, ?)",
            [row["call_id"], str(number), row["first_event_at"]],
        )
    incremental.mark_all_stale(connection)
    incremental.refresh(connection, models)
    return connection


@pytest.mark.parametrize("zone", CHANGES)
def test_days_weekdays_and_hours_are_those_of_the_time_zone(zone: str) -> None:
    around = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in CHANGES[zone]]
    instants = [
        change + timedelta(minutes=minutes)
        for change in around
        for minutes in (*range(-26 * 60, 26 * 60, 45), -1, 1)
    ]
    local = [instant.astimezone(ZoneInfo(zone)) for instant in instants]

    with filled(
        Settings(time_zone=zone), [{"first_event_at": instant} for instant in instants]
    ) as warehouse:
        found = warehouse.execute(
            "select first_event_on, first_event_weekday, first_event_hour, first_event_at"
            " from analytics.call_summary order by call_id::int"
        ).fetchall()
        days = dict(
            warehouse.execute(
                "select first_event_on, call_count from analytics.calls_daily"
            ).fetchall()
        )
        actions = dict(
            warehouse.execute(
                "select received_on, call_count from analytics.actions_daily"
            ).fetchall()
        )

    assert [row[:3] for row in found] == [
        (time.date(), time.isoweekday(), time.hour) for time in local
    ]
    assert [row[3] for row in found] == instants  # an instant stays what it is
    expected = {
        day: [time.date() for time in local].count(day) for day in {*map(datetime.date, local)}
    }
    assert days == actions == expected


def test_the_own_number_names_the_agent_before_the_webhook_does() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    calls = [
        {"first_event_at": at, "is_outgoing": True, "from_number": "+1500", "to_number": "+1600"},
        {"first_event_at": at, "is_outgoing": False, "from_number": "+1600", "to_number": "+1500"},
        {"first_event_at": at, "is_outgoing": True, "from_number": "+1600", "to_number": "+1500"},
        {"first_event_at": at, "webhook": "other"},
    ]
    agents = {"+1500": "O'Neil", "main": "Mia", "+1999": "Nobody"}

    with filled(Settings(agents=agents), calls) as warehouse:
        found = warehouse.execute(
            "select agent from analytics.call_summary order by call_id"
        ).fetchall()
        performance = warehouse.execute(
            "select label, sum(call_count) from analytics.performance where dimension = 'agent'"
            " group by label order by label"
        ).fetchall()

    assert found == [("O'Neil",), ("O'Neil",), ("Mia",), (None,)]
    assert performance == [("Mia", 1), ("O'Neil", 2), ("unknown", 1)]


@pytest.mark.parametrize(
    ("prices", "cost"),
    [
        ({"Mia": 3, "inbound": 2, "default": 1}, 4.5),
        ({"inbound": 2, "default": 1}, 3),
        ({"default": 1, "outbound": 7}, 1.5),
        ({"default": 0}, 0),
        ({"outbound": 7}, None),
        ({}, None),
    ],
    ids=["of the agent", "of the direction", "by default", "free", "of others", "none"],
)
def test_the_most_specific_price_counts(prices: dict[str, float], cost: float | None) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    call = {
        "first_event_at": start,
        "connected_at": start,
        "ended_at": start + timedelta(seconds=90),
        "is_outgoing": False,
        "direction": "inbound",
    }
    settings = Settings(agents={"main": "Mia"}, cost_per_minute=prices)

    with filled(settings, [call, {"first_event_at": start}]) as warehouse:
        of_call = warehouse.execute(
            "select cost from analytics.call_summary order by call_id"
        ).fetchall()
        of_day = warehouse.execute(
            "select sum(talk_minutes), sum(cost), sum(priced_call_count),"
            " sum(untimed_connected_count) from analytics.minutes_daily"
        ).fetchall()

    assert of_call == [(cost,), (None,)]  # a call without a duration has no cost
    assert of_day == [(1.5, cost, 0 if cost is None else 1, 0)]
