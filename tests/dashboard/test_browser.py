"""The dashboard as a person sees it: in a real browser, on real warehouses."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from fluents_connector.buffer import SqliteBuffer
from fluents_dashboard.pages import PAGES
from tests.dashboard.running import PATIENCE, Dashboard, Visit
from tests.deliveries import START, body, delivery
from tests.warehouses import HOSTILE, HOSTILE_CALL, load, settings_in

pytestmark = pytest.mark.attack

expect.set_options(timeout=PATIENCE)
WIDTHS = (1440, 1280, 768, 400)
LISTED = [page for page in PAGES if page.in_navigation]


def ask(warehouse: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def longest_call(warehouse: Path) -> str:
    ((call_id,),) = ask(
        warehouse,
        "select call_id from analytics.conversation_turns group by call_id "
        "order by count(*) desc, call_id limit 1",
    )
    return str(call_id)


def paths(warehouse: Path) -> dict[str, str]:
    """Each page with all calls in it, and a call."""
    found = {page.name: f"/{page.name}?span=all" for page in LISTED}
    return {
        **found,
        "overview": "/?span=all",
        "call": f"/call?id={quote(longest_call(warehouse))}",
    }


def violations(visit: Visit) -> list[str]:
    """What axe-core objects to."""
    found = Axe().run(visit.page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_passes_axe_and_fits_every_width(
    dashboard: Dashboard, browser: Browser, week: Path, tmp_path: Path, scheme: str
) -> None:
    visit = Visit(browser, dashboard.url)
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for name, path in paths(week).items():
        visit.open(path)
        visit.page.locator(".panel, .list").first.wait_for()
        for width in WIDTHS if scheme == "light" else WIDTHS[-1:]:
            visit.page.set_viewport_size({"width": width, "height": 1000})
            visit.page.screenshot(path=tmp_path / f"{name}-{width}.png")
            assert visit.overflow() <= 0, (name, width)
        assert violations(visit) == [], name
        assert visit.page.locator("[role=alert]").count() == 0, name
    assert (visit.complaints, visit.strangers) == ([], [])
    visit.close()


def test_sign_in_and_the_first_minutes_pass_axe_too(
    empty: Path, browser: Browser, tmp_path: Path
) -> None:
    with Dashboard(empty, tmp_path) as dashboard:
        visit = Visit(browser, dashboard.url.split("?")[0])
        assert violations(visit) == []
        visit.page.get_by_label("Token").fill(dashboard.url.split("token=")[1])
        visit.page.get_by_role("button").click()
        visit.page.get_by_role("heading", name="Waiting for the first delivery").wait_for()
        for width in WIDTHS:
            visit.page.set_viewport_size({"width": width, "height": 1000})
            assert visit.overflow() <= 0, width
        assert violations(visit) == []
        visit.close()


def test_a_link_and_a_reload_show_the_same_page_filters_search_and_call(
    dashboard: Dashboard, browser: Browser, week: Path
) -> None:
    visit = Visit(browser, dashboard.url, then="/calls?span=all")
    visit.choose("Direction", "inbound")
    visit.page.get_by_label("Outcome").select_option("human")
    visit.page.get_by_role("button", name="Find").click()
    visit.page.get_by_role("link", name="Duration").click()
    visit.page.wait_for_url("**sort=duration**")
    seen = visit.page.get_by_role("main").inner_text()
    assert (
        visit.path() == "/calls?span=all&direction=inbound&outcome=human&sort=duration&order=desc"
    )
    visit.page.reload()
    assert visit.page.get_by_role("main").inner_text() == seen
    other = visit.context.new_page()  # a colleague with the cookie
    other.goto(visit.page.url)
    assert other.get_by_role("main").inner_text() == seen
    other.close()
    visit.page.locator("a.row").first.click()
    heading = visit.page.get_by_role("heading", level=1)
    said = heading.inner_text()
    visit.page.reload()
    expect(heading).to_have_text(said)
    visit.page.go_back()
    assert visit.page.get_by_role("main").inner_text() == seen
    visit.close()


def test_the_file_of_the_list_is_the_list(
    dashboard: Dashboard, browser: Browser, tmp_path: Path
) -> None:
    visit = Visit(browser, dashboard.url, then="/calls?span=all&outcome=no_human&sort=contact")
    links = visit.page.locator("a.row").evaluate_all(
        "links => links.map(link => new URL(link.href).searchParams.get('id'))"
    )
    with visit.page.expect_download() as started:
        visit.page.get_by_role("link", name="Download as CSV").click()
    started.value.save_as(tmp_path / "calls.csv")
    with (tmp_path / "calls.csv").open(encoding="utf-8", newline="") as file:
        listed = [row["call_id"] for row in csv.DictReader(file)]
    assert listed[: len(links)] == links
    assert links
    visit.close()


def test_everything_can_be_reached_and_done_with_the_keyboard(
    dashboard: Dashboard, browser: Browser
) -> None:
    visit = Visit(browser, dashboard.url, then="/calls?span=all")
    visit.page.keyboard.press("Tab")
    expect(visit.page.get_by_role("link", name="Skip to the figures")).to_be_focused()
    visit.page.keyboard.press("Enter")
    reached = set()
    for _ in range(40):
        visit.page.keyboard.press("Tab")
        reached.add(
            visit.page.evaluate(
                "(document.activeElement.className || document.activeElement.name"
                " || document.activeElement.innerText)"
            )
        )
        if "row" in reached:
            break
    assert {"outcome", "min", "max", "q", "Find", "Download as CSV", "Duration"} <= reached
    visit.page.keyboard.press("Enter")
    visit.page.get_by_role("heading", name="Timeline").wait_for()
    visit.close()


def test_filters_change_the_numbers(dashboard: Dashboard, browser: Browser, week: Path) -> None:
    visit = Visit(browser, dashboard.url, then="/?span=all")
    counts = dict(ask(week, "select webhook, count(*) from fluents.calls group by all"))
    expect(visit.figure("Calls")).to_have_text(f"{sum(counts.values()):,}")
    visit.choose("Webhook", "sales")
    expect(visit.figure("Calls")).to_have_text(f"{counts['sales']:,}")
    visit.page.get_by_role("link", name="Results").click()
    expect(visit.page.get_by_label("Webhook", exact=True)).to_have_value("sales")
    visit.close()


def test_a_turn_is_played_from_where_it_begins(browser: Browser, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    buffer = SqliteBuffer(settings.buffer_file)
    lines = "[00:01.00] BOT: Hello.\n[00:04.50] HUMAN: Hello.\n[00:09.25] BOT: Goodbye."
    for type_, payload in (
        ("event_transcript", {"transcript": lines}),
        ("event_recording", {"recording_url": "https://audio.invalid/a.mp3"}),
    ):
        buffer.append(delivery(body(type_, payload), received_at=START))
    buffer.close()
    with Dashboard(load(settings), tmp_path) as dashboard:
        visit = Visit(browser, dashboard.url, then="/call?id=call-1")
        assert visit.strangers == [], "nothing is fetched before it is played"
        visit.page.evaluate(
            "const player = document.getElementById('player');"
            "window.played = [];"
            "Object.defineProperty(player, 'currentTime', {set: at => window.played.push(at)});"
            "player.play = () => Promise.resolve();"
        )
        visit.page.get_by_role("button", name="Play from 0:09").click()
        assert visit.page.evaluate("window.played") == [9.25]
        visit.close()


def test_hostile_text_is_shown_and_never_rendered(
    hostile: Path, browser: Browser, tmp_path: Path
) -> None:
    with Dashboard(hostile, tmp_path) as dashboard:
        visit = Visit(browser, dashboard.url)
        for name, path in {**paths(hostile), "call": f"/call?id={quote(HOSTILE_CALL)}"}.items():
            visit.open(path)
            rendered = "img[src*=evil], a[href^='https://evil'], main script, main strong > b"
            assert visit.page.locator(rendered).count() == 0, name
            assert visit.page.title().endswith("Fluents calls")
            assert visit.overflow() <= 0, name
            visit.page.set_viewport_size({"width": 400, "height": 1000})
            assert visit.overflow() <= 0, name
        expect(visit.page.locator(".turn").first).to_contain_text(HOSTILE)
        assert (visit.complaints, visit.strangers) == ([], [])
        visit.close()


def test_the_waiting_page_turns_into_figures_by_itself_and_an_open_page_says_what_is_newer(
    empty: Path, week: Path, browser: Browser, tmp_path: Path
) -> None:
    published = tmp_path / "published.duckdb"
    shutil.copyfile(empty, published)
    with Dashboard(published, tmp_path) as dashboard:
        visit = Visit(browser, dashboard.url, then="/?span=all")
        visit.page.get_by_text("Nothing has been received yet").wait_for()
        shutil.copyfile(week, tmp_path / "next")
        (tmp_path / "next").replace(published)  # as the loader publishes
        ((calls,),) = ask(week, "select count(*) from fluents.calls")
        expect(visit.figure("Calls")).to_have_text(f"{calls:,}")
        shutil.copyfile(week, tmp_path / "next")
        (tmp_path / "next").replace(published)
        visit.page.get_by_role("link", name="Show them").click()
        expect(visit.page.get_by_text("Newer figures are there.")).to_be_hidden()
        visit.close()
