"""The dashboard as a person sees it: in a real browser, on real warehouses."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser, expect

from tests.notebooks.dashboards import PATIENCE, Dashboard, Visit
from tests.notebooks.warehouses import HOSTILE, HOSTILE_CALL

pytestmark = pytest.mark.attack

expect.set_options(timeout=PATIENCE)
SECTIONS = {
    "Overview": "Outcomes",
    "Calls": "Only with errors",
    "Results": "Most frequent values",
    "Quality": "Errors by type",
}
WIDTHS = pytest.mark.parametrize("width", [1280, 400], ids=["desktop", "telephone"])


def ask(warehouse: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@WIDTHS
def test_each_section_fits_and_nothing_complains(
    dashboard: Dashboard, browser: Browser, tmp_path: Path, width: int
) -> None:
    visit = Visit(browser, dashboard.url, width)
    for section, shows in SECTIONS.items():
        visit.open(section, shows)
        visit.page.wait_for_load_state("networkidle")
        visit.page.screenshot(path=tmp_path / f"{section}-{width}.png")
        assert visit.overflow() <= 0, section
        assert visit.page.get_by_text("error occurred").count() == 0, section
    visit.open("Overview", "Outcomes")
    # volume, funnel, heat map, durations, outcomes
    expect(visit.page.locator("canvas, svg.marks")).to_have_count(5)
    assert (visit.complaints, visit.strangers) == ([], [])
    visit.page.close()


def test_an_empty_warehouse_is_said_to_be_empty(
    empty: Path, browser: Browser, tmp_path: Path
) -> None:
    with Dashboard(empty, tmp_path) as dashboard:
        visit = Visit(browser, dashboard.url, 400)
        visit.text("Nothing has been received yet.").wait_for()
        for section, shows in {
            "Overview": "No calls in what is chosen.",
            "Calls": "No calls in what is chosen.",
            "Results": "No post-call result that is JSON in what is chosen.",
            "Quality": "No errors in what is chosen.",
        }.items():
            visit.open(section, shows)
            for width in (400, 1280):
                visit.page.set_viewport_size({"width": width, "height": 2400})
                visit.page.screenshot(path=tmp_path / f"empty-{section}-{width}.png")
                assert visit.overflow() <= 0, section
            assert visit.page.get_by_text("error occurred").count() == 0, section
        assert (visit.complaints, visit.strangers) == ([], [])
        visit.page.close()


def test_filters_change_the_numbers(dashboard: Dashboard, browser: Browser, week: Path) -> None:
    visit = Visit(browser, dashboard.url)
    counts = dict(ask(week, "select webhook, count(*) from fluents.calls group by all"))
    expect(visit.figure("Calls")).to_have_text(str(sum(counts.values())))
    visit.choose("Webhook", "sales")
    expect(visit.figure("Calls")).to_have_text(str(counts["sales"]))
    visit.choose("Direction", "inbound")
    ((inbound,),) = ask(
        week,
        "select count(*) from fluents.calls where webhook = 'sales' and direction = 'inbound'",
    )
    expect(visit.figure("Calls")).to_have_text(str(inbound))
    assert 0 < inbound < counts["sales"]
    visit.page.close()


def test_a_call_that_is_picked_shows_its_transcript_and_timeline(
    dashboard: Dashboard, browser: Browser, week: Path
) -> None:
    ((call_id, turns),) = ask(
        week,
        "select call_id, count(turn_index) from analytics.conversation_turns "
        "group by call_id order by count(turn_index) desc, call_id limit 1",
    )
    visit = Visit(browser, dashboard.url)
    visit.open("Calls", "Only with errors")
    visit.page.get_by_label("Call id or number contains").fill(str(call_id))
    visit.page.get_by_text("Calls found: 1,").wait_for()
    visit.pick_call(1)
    visit.text(f"Call {call_id}").wait_for()
    expect(visit.page.locator(".fluents-turn")).to_have_count(int(str(turns)))
    ((first,),) = ask(
        week,
        f"select text from analytics.conversation_turns where call_id = '{call_id}' "
        "order by line_index limit 1",
    )
    expect(visit.page.locator(".fluents-turn").first).to_contain_text(str(first))
    expect(visit.text("phone_call_ended")).to_be_visible()
    assert visit.complaints == []
    visit.page.close()


def test_the_explorer_pages_its_rows(dashboard: Dashboard, browser: Browser) -> None:
    visit = Visit(browser, dashboard.url)
    visit.open("Calls", "Only with errors")
    expect(visit.page.get_by_role("row")).to_have_count(16)  # the heading and a page
    cell = visit.page.get_by_role("row").nth(1).get_by_role("cell").nth(2)
    newest = cell.inner_text()
    visit.page.get_by_role("textbox", name="Page of").fill("2")
    visit.page.keyboard.press("Enter")
    expect(cell).not_to_have_text(newest)
    assert cell.inner_text() < newest
    visit.page.close()


def test_hostile_text_is_shown_and_never_rendered(
    hostile: Path, browser: Browser, tmp_path: Path
) -> None:
    with Dashboard(hostile, tmp_path) as dashboard:
        visit = Visit(browser, dashboard.url)
        visit.open("Overview", "Outcomes")
        visit.open("Calls", "Only with errors")
        visit.pick_call(1)
        visit.text(f"Call {HOSTILE_CALL}").wait_for()
        expect(visit.page.locator(".fluents-turn").first).to_contain_text(HOSTILE)
        expect(visit.page.locator(".fluents-block").first).to_contain_text("**bold**")
        visit.page.screenshot(path=tmp_path / "hostile.png")
        page = visit.page
        assert page.locator("img[src*=evil], a[href*=evil], .fluents-turn strong").count() == 0
        visit.open("Results", "Most frequent values")
        visit.open("Quality", "Errors by type")
        assert page.locator("img[src*=evil], a[href*=evil], main script").count() == 0
        assert page.title() == "Fluents calls"
        assert (visit.complaints, visit.strangers) == ([], [])
        page.close()


def test_a_refresh_shows_the_newest_load_and_keeps_what_was_chosen(
    empty: Path, week: Path, browser: Browser, tmp_path: Path
) -> None:
    published = tmp_path / "published.duckdb"
    shutil.copyfile(empty, published)
    with Dashboard(published, tmp_path) as dashboard:
        visit = Visit(browser, dashboard.url)
        visit.choose("Direction", "inbound")
        visit.open("Overview", "No calls in what is chosen.")
        shutil.copyfile(week, tmp_path / "next")
        (tmp_path / "next").replace(published)  # as the loader publishes
        visit.page.locator("marimo-refresh button").first.click()
        ((inbound,),) = ask(week, "select count(*) from fluents.calls where direction = 'inbound'")
        expect(visit.figure("Calls")).to_have_text(str(inbound))
        labels = visit.page.get_by_label("Webhook", exact=True)
        expect(labels).to_contain_text("sales")
        visit.page.close()
