"""The dashboard's queries, without a browser: each runs, and the page's pieces are text."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from fluents_connector.buffer import SqliteBuffer
from tests.deliveries import body, delivery
from tests.notebooks.warehouses import load, settings_in

FOLDER = Path(__file__).parents[2] / "notebooks"
sys.path.insert(0, str(FOLDER))  # where marimo finds the application's own modules

from dashboard_parts import tables  # noqa: E402
from dashboard_parts.charts import grain_of  # noqa: E402
from dashboard_parts.snapshot import NoWarehouse, Snapshot  # noqa: E402

QUERIES = sorted(path.stem for path in (FOLDER / "sql").glob("*.sql") if path.stem != "macros")
ALWAYS_ONE_ROW = {"call_count", "extent", "headline"}
ALL: dict[str, Any] = {
    "from_at": "2020-01-01 00:00:00+00",
    "until_at": "2100-01-01 00:00:00+00",
    "webhook": None,
    "direction": None,
    "outcome": None,
    "only_errors": False,
    "search": "",
    "grain": "day",
    "rows": 20,
    "skip": 0,
    "path": "$.outcome",
}


def with_a_call(snapshot: Snapshot) -> dict[str, Any]:
    """The parameters of all queries, with a call that has everything a query looks for."""
    pages = snapshot.rows("call_page", **{**ALL, "rows": 1000, "only_errors": True})
    kinds = ("call_turns", "call_results", "call_actions")
    for call in pages:
        asked = {**ALL, "call_id": call["call_id"]}
        if all(snapshot.rows(kind, **asked) for kind in kinds):
            return asked
    raise AssertionError("the simulated week has no call with everything")


@pytest.mark.parametrize("query", QUERIES)
def test_each_query_finds_something_in_a_week_and_runs_on_nothing(
    query: str, week: Path, empty: Path
) -> None:
    found = Snapshot(week)
    assert found.rows(query, **with_a_call(found)) != []
    rows = Snapshot(empty).rows(query, **{**ALL, "call_id": "none"})
    assert len(rows) == (16 if query == "quality" else query in ALWAYS_ONE_ROW)


def test_the_funnel_begins_with_all_calls_and_filters_add_up(week: Path) -> None:
    snapshot = Snapshot(week)
    whole = snapshot.rows("funnel", **ALL)[0]["call_count"]
    parts = [
        snapshot.rows("funnel", **{**ALL, "direction": direction})[0]["call_count"]
        for direction in ("outbound", "inbound", "unknown")
    ]
    assert whole == snapshot.row("headline", **ALL)["call_count"] == sum(parts)
    assert all(parts)


def test_pages_hold_each_call_once(week: Path) -> None:
    snapshot = Snapshot(week)
    count = snapshot.row("call_count", **ALL)["call_count"]
    ids = [
        row["call_id"]
        for skip in range(0, count, 20)
        for row in snapshot.rows("call_page", **{**ALL, "skip": skip})
    ]
    assert len(ids) == len(set(ids)) == count


def test_a_snapshot_keeps_its_file_and_a_new_one_sees_the_new(
    week: Path, empty: Path, tmp_path: Path
) -> None:
    published, coming = tmp_path / "it's.duckdb", tmp_path / "next"
    shutil.copyfile(empty, published)
    first = Snapshot(published)
    shutil.copyfile(week, coming)
    coming.replace(published)
    second = Snapshot(published)
    assert first.row("call_count", **ALL)["call_count"] == 0
    assert second.row("call_count", **ALL)["call_count"] > 0


def test_what_is_no_warehouse_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NoWarehouse, match="is not there yet"):
        Snapshot(tmp_path / "none.duckdb")
    (tmp_path / "text.duckdb").write_text("no database")
    with pytest.raises(NoWarehouse, match="cannot be read as a warehouse"):
        Snapshot(tmp_path / "text.duckdb")


def test_a_share_says_of_what_and_unknown_is_not_zero() -> None:
    assert tables.share(204, 242) == "84% (204 of 242)"
    assert tables.share(1, 4000) == "under 1% (1 of 4,000)"
    assert tables.share(3999, 4000) == "over 99% (3,999 of 4,000)"
    assert tables.share(0, 5) == "0% (0 of 5)"
    assert tables.share(0, 0) == f"{tables.UNKNOWN} (of 0)"
    assert tables.text(None) == tables.seconds(None) == tables.UNKNOWN
    assert (tables.text(0), tables.seconds(0.0)) == ("0", "0.0 s")


@pytest.mark.parametrize(
    ("seconds", "grain"),
    [(None, "minute"), (60, "minute"), (86_400, "hour"), (30 * 86_400, "day"), (10**9, "month")],
    ids=str,
)
def test_a_time_axis_has_steps_that_can_be_told_apart(seconds: float | None, grain: str) -> None:
    assert grain_of(seconds) == grain


def test_a_call_shows_its_turns_and_its_timeline_what_is_no_turn(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    lines = (
        "BOT: We are open.",
        "HUMAN: mhm",
        "BOT_ACTION_START: look up",
        "BOT: Until six.",
        "CONFERENCE_EVENT: somebody joined",
        "HUMAN: Fine.",
    )
    buffer = SqliteBuffer(settings.buffer_file)
    buffer.append(delivery(body("event_transcript", {"transcript": "\n".join(lines)})))
    buffer.close()
    asked = {"call_id": "call-1", "rows": 10}

    snapshot = Snapshot(load(settings))

    assert [(row["turn_index"], row["text"]) for row in snapshot.rows("call_turns", **asked)] == [
        (1, "We are open. Until six."),
        (2, "Fine."),
    ]
    timeline = [(row["type"], row["detail"]) for row in snapshot.rows("call_timeline", **asked)]
    assert timeline[0] == ("transcript", "")
    assert sorted(timeline[1:]) == [
        ("in transcript", "BOT_ACTION_START: look up"),
        ("in transcript", "CONFERENCE_EVENT: somebody joined"),
        ("in transcript", "backchannel: mhm"),
    ]
