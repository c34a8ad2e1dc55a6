"""Each alert finds what the cases in `tests/data/alert_cases` say, at the time that they say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from fluents_pipelines.alerts.facts import Facts
from fluents_pipelines.alerts.files import built_in
from fluents_pipelines.alerts.looking import findings_of, set_variables
from tests.pipelines.alerts import warehouses

CASES = Path(__file__).parents[2] / "data" / "alert_cases"
ALERTS = {alert.name: alert for alert in built_in()}
NAMES = sorted(path.relative_to(CASES).with_suffix("").as_posix() for path in CASES.rglob("*.json"))


@pytest.fixture(scope="module")
def emptied() -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouses.warehouse() as connection:
        yield connection


@pytest.fixture
def connection(emptied: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    yield emptied
    for table in (*(f"fluents.{name}" for name in warehouses.KEYS), "analytics.call_summary"):
        emptied.execute(f"delete from {table}")


def facts_of(case: dict[str, Any]) -> Facts:
    given = {
        name: datetime.fromisoformat(value) if name == "waiting_since" else value
        for name, value in case.get("facts", {}).items()
    }
    return Facts(now=datetime.fromisoformat(case["now"]), **given)


@pytest.mark.parametrize("name", NAMES)
def test_the_alert_finds_what_the_case_says(
    connection: duckdb.DuckDBPyConnection, name: str
) -> None:
    case = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    alert = ALERTS[name.partition("/")[0]]
    warehouses.fill(connection, case["rows"])
    connection.execute(
        "insert into fluents.events (event_id, webhook, received_at)"
        " select delivery_id, webhook, received_at from fluents.quarantine limit ?",
        [case.get("stored_after_all", 0)],
    )
    if alert.name in ("answer_rate", "error_rate"):  # the others read no model
        warehouses.refresh(connection)
    limits = {limit.name: limit.default for limit in alert.limits} | case.get("limits", {})
    facts = facts_of(case)
    set_variables(connection, facts, limits)

    found = [
        {"says": finding.says, **finding.values}
        for finding in findings_of(connection, alert, facts)
    ]

    named = [
        {column: rounded(finding[column]) for column in expected}
        for finding, expected in zip(found, case["findings"], strict=False)
    ]
    assert (named, len(found)) == (case["findings"], len(case["findings"]))


def rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def test_each_alert_has_cases_with_findings_and_without() -> None:
    found = {
        (name.partition("/")[0], bool(json.loads((CASES / f"{name}.json").read_text())["findings"]))
        for name in NAMES
    }
    assert found == {(name, has) for name in ALERTS for has in (True, False)}
