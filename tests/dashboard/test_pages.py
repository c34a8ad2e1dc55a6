"""Each page and each query, on a week of calls and on nothing."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import Settings
from fluents_dashboard.pages import PAGES
from fluents_dashboard.snapshots import SQL, Figures, Snapshots
from tests.dashboard.visitors import Visitor
from tests.deliveries import START, body, delivery
from tests.warehouses import load, settings_in

QUERIES = sorted(path.stem for path in SQL.glob("*.sql") if path.stem != "macros")
ALWAYS_ONE_ROW = {
    *("call_count", "conversations", "duration_summary", "extent", "freshness_now", "repeat_calls"),
}
ALL: dict[str, Any] = {
    "from_day": date(2020, 1, 1),
    "until_day": date(2100, 1, 1),
    "before_day": date(2019, 1, 1),
    **dict.fromkeys(
        ("webhook", "agent", "direction", "outcome", "having", "search", "value"),
    ),
    "min_seconds": None,
    "max_seconds": None,
    "sort": "began",
    "is_descending": True,
    "grain": "day",
    "places": 3,
    "weeks": 10_000,
    "rows": 1000,
    "skip": 0,
    "path": None,
}


@cache
def snapshots(warehouse: Path) -> Snapshots:
    return Snapshots(Settings(warehouse_path=warehouse))


def figures_of(warehouse: Path) -> Any:
    return snapshots(warehouse).newest()


def with_a_call(figures: Figures) -> dict[str, Any]:
    """The parameters of all queries, with a call that has everything a query looks for."""
    kinds = ("call_turns", "call_results", "call_actions", "call_errors")
    for call in figures.rows("call_page", **{**ALL, "having": "error"}):
        asked = {**ALL, "call_id": call["call_id"]}
        if all(figures.rows(kind, **asked) for kind in kinds):
            return {**asked, "path": "$.outcome"}
    raise AssertionError("the simulated week has no call with everything")


@pytest.mark.parametrize("query", QUERIES)
def test_each_query_finds_something_in_a_week_and_runs_on_nothing(
    query: str, week: Path, empty: Path
) -> None:
    with figures_of(week) as figures:
        found = figures.rows(query, **with_a_call(figures))
        # in a week nobody is called twice: see the test of attempts
        assert (found == []) == (query == "attempt_hours")
    with figures_of(empty) as figures:
        rows = figures.rows(query, **{**ALL, "call_id": "none", "path": "$.outcome"})
        assert len(rows) == (16 if query == "quality" else query in ALWAYS_ONE_ROW)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.in_navigation], ids=lambda p: p.name
)
def test_each_page_has_one_heading_of_the_first_level_and_no_style_of_its_own(
    page: Any, visitor: Visitor
) -> None:
    html = visitor.page("/" if page is PAGES[0] else f"/{page.name}")
    assert html.count("<h1") == 1
    assert f"<title>{page.title} · Fluents calls</title>" in html
    assert f'aria-current="page">{page.title}</a>' in html
    assert "style=" not in html
    assert "<script" in html
    assert "onclick" not in html


def test_the_overview_counts_what_the_warehouse_holds(visitor: Visitor, week: Path) -> None:
    with figures_of(week) as figures:
        outcomes = {row["outcome"]: row["call_count"] for row in figures.rows("outcomes", **ALL)}
    said = visitor.words("/?span=all")
    assert f"Calls {sum(outcomes.values()):,}" in said
    assert f"Voicemail {outcomes['no_human']:,}" in said
    assert "did_not_connect" not in said
    known = outcomes["human"] + outcomes["no_human"]
    assert f"{outcomes['human']:,} of {known:,} connected calls" in said


def test_a_span_is_compared_with_as_many_days_before_it(visitor: Visitor) -> None:
    compared = visitor.words("/?from=2026-01-08&to=2026-01-09")
    assert "Compared with 6 Jan 2026 to 7 Jan 2026" in compared
    assert "points" in compared
    assert "nothing is compared" in visitor.words("/?from=2026-01-05&to=2026-01-06")


def test_filters_add_up(visitor: Visitor, week: Path) -> None:
    def calls(query: str) -> int:
        said = visitor.words(f"/?span=all{query}")
        return int(said.split("Headline figures Calls ")[1].split()[0].replace(",", ""))

    parts = [calls(f"&direction={name}") for name in ("outbound", "inbound", "unknown")]
    assert all(parts)
    assert sum(parts) == calls("") == calls("&webhook=sales") + calls("&webhook=support")


def test_a_span_without_calls_says_where_there_are_some(visitor: Visitor) -> None:
    said = visitor.words("/?from=2026-03-01&to=2026-03-02")
    assert "No calls from 1 Mar 2026 to 2 Mar 2026" in said
    assert "calls from 5 Jan 2026 to 11 Jan 2026" in said


def test_days_are_those_of_the_time_zone_and_the_page_says_so(tmp_path: Path) -> None:
    settings = settings_in(tmp_path).model_copy(update={"time_zone": "Pacific/Auckland"})
    buffer = SqliteBuffer(settings.buffer_file)
    noon = 1_767_614_400_000_000  # 2026-01-05 12:00 UTC: the 6th in Auckland
    buffer.append(delivery(body("event_phone_call_connected", None), received_at=noon))
    buffer.close()
    with Visitor(load(settings), time_zone="Pacific/Auckland") as visitor:
        assert "No calls" in visitor.words("/?from=2026-01-05&to=2026-01-05")
        page = visitor.page("/?from=2026-01-06&to=2026-01-06")
    assert "Days and hours are in Pacific/Auckland" in page


def test_the_results_say_how_often_a_field_is_filled_in_and_lead_to_its_calls(
    visitor: Visitor,
) -> None:
    html = visitor.page("/results?span=all&field=$.sentiment")
    assert "sentiment by day" in html
    assert "/calls?span=all&amp;field=%24.sentiment&amp;value=" in html
    missing = visitor.words("/results?span=all&field=$.nothing")
    assert "No result of the calls chosen has the field $.nothing" in missing


def test_the_wide_table_of_results_is_a_file(visitor: Visitor) -> None:
    lines = visitor.get("/results.csv?span=all").text.splitlines()
    assert lines[0].startswith("first_event_on,received_at,agent,direction,contact_number")
    assert len(lines) > 50


def test_quality_shows_what_was_turned_away(week: Path) -> None:
    status = {
        "received": 7,
        "loaded": 5,
        "duplicates": 1,
        "quarantined": 1,
        "pending": 0,
        "refused_requests": {
            "wrong_token": {
                "count": 3,
                "last_at": "2026-01-11T10:00:00.000+00:00",
                "advice": "Look at it.",
            }
        },
    }
    with Visitor(week, status=lambda: status) as visitor:
        said = visitor.words("/quality?span=all")
    assert "Wrong token 3 times, last 2026-01-11 10:00:00 UTC." in said
    assert "Look at it." in said


def test_a_search_finds_what_was_said_and_leads_to_its_call(visitor: Visitor, week: Path) -> None:
    with duckdb.connect(str(week), read_only=True) as connection:
        ((_, word),) = connection.execute(
            "select call_id, regexp_extract(text, '[a-z]{7,}') as word "
            "from analytics.conversation_turns where word <> '' order by all limit 1"
        ).fetchall()
    html = visitor.page(f"/search?span=all&q={word}")
    assert f"<mark>{word}</mark>" in html
    assert "/call?span=all&amp;id=" in html
    assert "0 found" in visitor.words("/search?span=all&q=nobodysaidthis")
    assert "0 found in 0 of the calls" in visitor.words(
        f"/search?from=2020-01-01&to=2020-01-02&q={word}"
    )
    assert "is in one of" in visitor.words("/search?q=a&in=dreams", 400)
    assert "at most 50 words" in visitor.words("/search?q=" + "+".join(map(str, range(60))), 400)
    assert "<mark>&lt;" not in visitor.page("/search?span=all&q=%3Cb%3E")


def test_a_search_looks_through_the_calls_that_are_chosen(tmp_path: Path) -> None:
    settings = settings_in(tmp_path).model_copy(update={"agents": {"+1": "Ada"}})
    buffer = SqliteBuffer(settings.buffer_file)
    for nth, number in enumerate(("+1", "+2")):
        said = {"message": "a refund", "sender": "human"}
        ours = {"from_number": number, "is_outgoing": True, "call_id": f"call-{nth}"}
        buffer.append(delivery(body("event_message", said, **ours), received_at=START, bits=nth))
    buffer.close()
    with Visitor(load(settings)) as visitor:
        found = {
            query: visitor.words(f"/search?span=all&q=refund{query}")
            for query in ("", "&agent=Ada", "&agent=unknown", "&direction=inbound")
        }
    assert "2 found in 2 of the calls" in found[""]
    assert "1 found in 1 of the calls" in found["&agent=Ada"]
    assert "1 found in 1 of the calls" in found["&agent=unknown"]
    assert "0 found in 0 of the calls" in found["&direction=inbound"]


def test_numbers_of_results_have_their_mean_over_time_and_texts_their_values(
    visitor: Visitor,
) -> None:
    means = visitor.words("/results?span=all&field=$.satisfaction")
    assert "Mean of satisfaction by day" in means
    assert "Day Mean of satisfaction Numbers" in means
    values = visitor.words("/results?span=all&field=$.outcome")
    assert "Mean of" not in values.partition("Fields")[0].replace("Mean of numbers", "")


def test_contacts_say_which_attempt_was_answered_and_when(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    buffer = SqliteBuffer(settings.buffer_file)
    numbers = {"from_number": "+4930100", "to_number": "+4930200", "is_outgoing": True}
    for hour, (type_, payload) in enumerate(
        (
            ("event_phone_call_did_not_connect", {"telephony_status": "no_answer"}),
            ("event_human_detection", {"result": "human"}),
        )
    ):
        content = body(type_, payload, call_id=f"call-{hour}", **numbers)
        buffer.append(delivery(content, received_at=START + hour * 3_600_000_000))
    buffer.close()
    with Visitor(load(settings)) as visitor:
        said = visitor.words("/contacts?span=all")
    assert "Attempt 1 0% 0 of 1 Attempt 2 100% 1 of 1" in said
    assert "100% (1 of 1)" in said
    assert "+4930200 2 0 2 50% (1 of 2)" in said
    assert "Weeks later 0 29 Dec 1 100% 1" in said
