"""What docs/alerts.md shows is so: the example runs, and the names and numbers are these."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from fluents_connector.alerts.posting import AGAIN, TIMEOUT_SECONDS, WHOLE_SECONDS, payload
from fluents_connector.alerts.tracking import ENDS_AFTER_SECONDS
from fluents_pipelines.alerts.facts import FACTS, Facts
from fluents_pipelines.alerts.files import built_in, read
from fluents_pipelines.alerts.looking import MOST_FINDINGS, SECONDS, findings_of, set_variables
from tests.connector.alerts.findings import opened
from tests.docs.pages import fenced, first_cells, page, section
from tests.pipelines.alerts import warehouses

PAGE = "docs/alerts.md"


def test_the_alert_that_it_shows_runs_and_finds_what_it_says(tmp_path: Path) -> None:
    (sql,) = fenced(section(PAGE, "Your own alerts"), "sql")
    (tmp_path / "no_result.sql").write_text(sql)
    files = read(tmp_path)
    assert files.errors == []
    (alert,) = (one for one in files.alerts if one.name == "no_result")
    facts = Facts(datetime(2026, 2, 3, 12, tzinfo=UTC))
    day = {"from": "2026-02-02T14:00:00Z", "until": "2026-02-03T10:00:00Z"}
    ended = {"ended_at": "2026-02-03T10:00:00Z"}
    with warehouses.warehouse() as connection:
        set_variables(connection, facts, {limit.name: limit.default for limit in alert.limits})
        for count, expected in (
            (29, []),
            (30, ["100 % of 30 calls of the last day have no post-call result."]),
        ):
            connection.execute("delete from fluents.calls; delete from analytics.call_summary")
            warehouses.fill(connection, [{"table": "calls", "count": count, "row": ended, **day}])
            warehouses.refresh(connection)
            assert [one.says for one in findings_of(connection, alert, facts)] == expected


def test_it_names_all_that_an_alert_may_ask_for() -> None:
    named = [
        name
        for cell in first_cells(section(PAGE, "Your own alerts"))
        for name in re.findall(r"`(\w+)`", cell)
    ]
    assert FACTS.keys() <= set(named)


def test_the_fields_of_the_post_are_those_that_it_shows() -> None:
    (shown,) = map(json.loads, fenced(section(PAGE, "Post them to a URL"), "json"))
    sent = payload([opened()])
    assert shown.keys() == sent.keys()
    assert shown["findings"][0].keys() == sent["findings"][0].keys()


def test_its_numbers_are_those_of_the_code() -> None:
    text = " ".join(page(PAGE).split())
    assert f"within {TIMEOUT_SECONDS:g} seconds" in text
    assert f"given up after {WHOLE_SECONDS:g} seconds" in text
    assert f"over {SECONDS:g} seconds" in text
    assert f"at most {MOST_FINDINGS} findings" in text
    assert ENDS_AFTER_SECONDS == 5 * 60
    assert "has not been found for five minutes" in text
    *most, last = map(str, sorted(AGAIN))
    assert f"the answer is {', '.join(most)} or {last}," in text


def test_every_alert_links_to_its_section() -> None:
    for alert in built_in():
        path, _, anchor = alert.link.partition("#")
        assert f"\n### {anchor}\n" in page(path)
