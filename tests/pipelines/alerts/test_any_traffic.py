"""Traffic that goes on is no silence, whatever chance does, and traffic that stops is one.

Calls come independently of each other, as in life, more by day than by night. What is drawn is
drawn from a seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluents_pipelines.alerts.facts import Facts
from fluents_pipelines.alerts.files import built_in
from fluents_pipelines.alerts.looking import findings_of, set_variables

ALERTS = {alert.name: alert for alert in built_in()}
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
WEEKS = 6
TABLES = """
create schema fluents;
create schema analytics;
create table fluents.events (webhook varchar, received_at timestamptz);
create table fluents.quarantine (webhook varchar, received_at timestamptz);
create table fluents.calls (call_id varchar, webhook varchar, first_event_at timestamptz);
create table analytics.call_summary
    (agent varchar, webhook varchar, first_event_at timestamptz, has_error boolean);
"""


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """The few columns that these alerts read."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(TABLES)
        yield connection


def found(connection: duckdb.DuckDBPyConnection, name: str, now: datetime) -> list[dict[str, Any]]:
    alert = ALERTS[name]
    set_variables(connection, Facts(now), {limit.name: limit.default for limit in alert.limits})
    return [finding.values for finding in findings_of(connection, alert, Facts(now))]


def traffic(per_hour: float, seed: int) -> list[datetime]:
    """When calls begin: all day at random, by night a twentieth, at weekends a tenth of that."""
    draw = random.Random(seed)  # noqa: S311 # no secret
    at, times = BEGIN, []
    while at < BEGIN + timedelta(weeks=WEEKS):
        at += timedelta(hours=draw.expovariate(per_hour))
        share = (1 if 8 <= at.hour < 20 else 0.05) * (0.1 if at.weekday() >= 5 else 1)
        if draw.random() < share:
            times.append(at)
    return times


@pytest.mark.attack
@pytest.mark.parametrize("per_hour", [3, 60, 240])
def test_traffic_that_goes_on_is_no_silence_and_traffic_that_stops_is_one(
    connection: duckdb.DuckDBPyConnection, per_hour: int
) -> None:
    times = pa.table({"began": traffic(per_hour, seed=per_hour)})
    connection.execute("delete from fluents.calls; delete from fluents.events")
    connection.register("times", times)
    connection.execute("insert into fluents.calls select began::varchar, 'main', began from times")
    connection.execute("insert into fluents.events select 'main', began from times")
    connection.unregister("times")
    week = BEGIN + timedelta(weeks=WEEKS - 1)
    for quarter in range(0, 7 * 24 * 4, 7):  # all hours of the last week
        now = week + timedelta(minutes=15 * quarter)
        assert found(connection, "silence", now) == [], now

    stop = week + timedelta(days=1, hours=10)  # a Tuesday
    connection.execute("delete from fluents.events where received_at > ?", [stop])
    long = timedelta(minutes=15) + timedelta(hours=35 / per_hour)
    assert len(found(connection, "silence", stop + min(long, timedelta(days=2)))) == 1
    assert found(connection, "silence", stop + timedelta(minutes=14)) == []


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 3000), st.floats(0, 1))
def test_an_error_rate_is_found_only_above_its_limit_and_more_errors_hide_none(
    connection: duckdb.DuckDBPyConnection, calls: int, share: float
) -> None:
    now = BEGIN + timedelta(days=1)

    def found_with(errors: int) -> list[dict[str, Any]]:
        connection.execute("truncate analytics.call_summary")
        connection.execute(
            "insert into analytics.call_summary select null, 'main', ?, range < ?"
            " from range(?::bigint)",
            [now - timedelta(hours=1), errors, calls],
        )
        return found(connection, "error_rate", now)

    errors = round(calls * share)
    if rows := found_with(errors):
        assert calls >= 20
        assert 0.1 < rows[0]["lower_rate"] < rows[0]["error_rate"] <= 1
        assert found_with(min(calls, errors + 1))
    elif calls >= 20:
        assert errors < calls * 0.31  # 6 of 20 are found, and the share falls as calls grow
