"""What the dashboard's overview shows is what a second count of `fluents.events` says.

The page is read as a browser gets it; its queries are asked too, as the page rounds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

import pytest

from fluents_dashboard import formats, headline, words
from fluents_dashboard.app import create_app
from fluents_dashboard.filters import Filters
from fluents_dashboard.snapshots import Snapshots
from tests.deliveries import TOKEN
from tests.second_count import figures
from tests.second_count.account import Account, Cell, assert_same
from tests.second_count.calls import Call
from tests.second_count.page import Page

Days = tuple[int, int] | None
CHOICES: dict[str, tuple[Days, dict[str, str]]] = {
    "all_days": (None, {}),
    "a_week": ((7, 1), {}),
    "the_newest_day": ((0, 0), {}),
    "outbound": (None, {"direction": "outbound"}),
    "a_webhook": ((8, 3), {"webhook": "sales"}),
    "an_agent": ((4, 1), {"agent": "Nadia"}),
    "no_agent": (None, {"agent": "unknown"}),
    "all_filters": (None, {"webhook": "support", "direction": "inbound", "agent": "Ada"}),
}
"""The days before the newest one, and the other filters."""
QUICK = ("all_days", "the_newest_day", "outbound", "a_webhook", "no_agent")
LENGTHS = (10, 30, 60, 120, 300, 600, 1e9)  # where the bars of the durations end, in seconds


class Shown(NamedTuple):
    """What the page says and its queries answer; the calls that it is about, and those before."""

    page: Page
    rows: Callable[..., list[dict[str, Any]]]
    calls: list[Call]
    before: list[Call] | None


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[] if name in QUICK else pytest.mark.attack) for name in CHOICES
    ],
)
def chosen(account: Account, request: pytest.FixtureRequest) -> Iterator[Shown]:
    """Also what has no calls."""
    days, filters = CHOICES[request.param]
    oldest, newest = (edge(call.day for call in account.calls) for edge in (min, max))
    begin, end = (oldest, newest) if days is None else (newest - timedelta(d) for d in days)
    earlier = begin - (end - begin) - timedelta(days=1)
    app = create_app(account.settings, token=TOKEN)
    answer = app.test_client().get(
        "/",
        query_string={"from": str(begin), "to": str(end), **filters},
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    assert answer.status_code == 200
    parameters = Filters("", begin, end, **filters).parameters()
    calls = [
        call
        for call in account.calls
        if all(getattr(call, name) == value for name, value in filters.items())
    ]
    snapshots = Snapshots(account.settings)
    with snapshots.newest() as asked:
        yield Shown(
            Page(answer.text),
            lambda query, **more: asked.rows(query, **parameters, **more),
            [call for call in calls if begin <= call.day <= end],
            [call for call in calls if earlier <= call.day < begin] if oldest <= earlier else None,
        )
    snapshots.close()
    app.extensions["snapshots"].close()


@pytest.fixture
def shown(chosen: Shown) -> Shown:
    """With calls; where there are none, the page says so and nothing else is to be counted."""
    if not chosen.calls:
        assert not chosen.page.cards
        assert "No calls from" in " ".join(chosen.page.texts.values())
        pytest.skip("what is drawn has no calls here")
    return chosen


def test_cards(shown: Shown) -> None:
    units = {row["figure"]: row["unit"] for row in shown.rows("headline")}
    second: dict[Cell, Cell] = {}
    for figure, counted in figures.headline(shown.calls).items():
        name, of = headline.NAMES[figure]
        if counted.value is not None:
            second[(name,)] = headline.shown(counted.value, units[figure]), counted.denominator
            if counted.denominator is None:
                assert not of

    cards: dict[Cell, Cell] = {
        (name,): (card["value"], _last_number(card.get("of", "")))
        for name, card in shown.page.cards.items()
    }
    assert_same(second, cards)


def test_headline_and_that_of_the_days_before(chosen: Shown) -> None:
    now = figures.headline(chosen.calls)
    before = figures.headline(chosen.before or [])
    rows = {row["figure"]: row for row in chosen.rows("headline")}
    if not chosen.calls and not chosen.before:
        assert rows == {}
        return

    assert_same(
        {(name,): tuple(now[name]) for name in now},
        {(name,): (row["numerator"], row["denominator"]) for name, row in rows.items()},
    )
    if chosen.before is not None:
        assert_same(
            {(name,): tuple(before[name]) for name in before},
            {
                (name,): (row["numerator_before"], row["denominator_before"])
                for name, row in rows.items()
            },
        )


def test_cards_say_how_shares_and_calls_changed(shown: Shown) -> None:
    now, before = figures.headline(shown.calls), figures.headline(shown.before or [])
    for figure, (name, _) in headline.NAMES.items():
        if now[figure].value is None or figure in ("mean_duration_seconds", "cost"):
            continue
        new, old = now[figure].value, before[figure].value
        said = shown.page.cards[name].get("change", "")
        if shown.before is None or old is None:
            assert not said
        elif now[figure].denominator is not None:
            assert said.replace("±", "+") == f"{round(100 * (new - old)):+d} points"
        elif old:
            assert said.replace("±", "+") == f"{round(100 * (new - old) / old):+,d}%"
        else:
            assert said == f"+{formats.number(new)}"


def test_headline_day_by_day(shown: Shown) -> None:
    days = sorted({call.day for call in shown.calls})
    second: dict[Cell, Cell] = {
        (name, day): tuple(figure)
        for day in days
        for name, figure in figures.headline([c for c in shown.calls if c.day == day]).items()
    }

    rows = shown.rows("headline_days", grain="day")
    found = {
        (r["figure"], date.fromisoformat(r["step"][:10])): (r["numerator"], r["denominator"])
        for r in rows
    }
    assert_same(second, found)


def test_volume_by_outcome_over_time(shown: Shown) -> None:
    for grain, step in (("hour", "%Y-%m-%d %H"), ("day", "%Y-%m-%d 00"), ("month", "%Y-%m-01 00")):
        counted = Counter(
            (f"{call.day.strftime(step.replace('%H', f'{call.hour:02}'))}", call.outcome)
            for call in shown.calls
        )
        rows = shown.rows("volumes", grain=grain)
        assert_same(
            {cell: (count,) for cell, count in counted.items()},
            {(row["step"], row["outcome"]): (row["call_count"],) for row in rows},
        )


def test_outcomes_and_volumes_on_the_page(shown: Shown) -> None:
    outcomes = Counter(call.outcome for call in shown.calls)
    second: dict[Cell, Cell] = {
        (words.OUTCOMES[name],): (count,) for name, count in outcomes.items()
    }

    rows = [row for row in shown.page.tables["outcomes"] if row[0] != "Outcome"]
    assert_same(second, {(row[0],): (_first_number(row[-1]),) for row in rows})
    head, *steps = shown.page.tables["volume"]
    total = {
        (name,): (sum(_first_number(row[i]) for row in steps),)
        for i, name in enumerate(head)
        if i > 1
    }
    assert_same(second, total)


def test_funnel(shown: Shown) -> None:
    second = figures.funnel(shown.calls)

    rows = {row["stage"]: row for row in shown.rows("funnel")}
    assert_same(
        {(stage,): found[:2] for stage, found in second.items()},
        {(stage,): (row["call_count"], row["unknown_count"]) for stage, row in rows.items()},
    )
    for row, (reached, _, share, _) in zip(
        shown.page.tables["funnel"][1:], second.values(), strict=True
    ):
        assert _first_number(row[-1]) == reached
        if row is not shown.page.tables["funnel"][1]:
            assert formats.per_cent(share, 1) in row[-1]


def test_answer_rates_by_weekday_and_hour(shown: Shown) -> None:
    outbound = [call for call in shown.calls if call.direction == "outbound"]
    if not any(figures.answers(outbound)[1:4]):
        assert "heat" not in shown.page.tables
        return
    weekdays = shown.page.tables["heat"][1:]
    assert [len(row) for row in weekdays] == [25] * 7
    second: dict[Cell, Cell] = {}
    for weekday in range(1, 8):
        for hour in range(24):
            own = [c for c in outbound if (c.weekday, c.hour) == (weekday, hour)]
            _, human, no_human, refused, _ = figures.answers(own)
            known = human + no_human + refused
            second[weekday, hour] = (formats.share(human, known) if known else "",)

    page = {
        (day, hour): (row[hour + 1],) for day, row in enumerate(weekdays, 1) for hour in range(24)
    }
    assert_same(second, page)


def test_durations(shown: Shown) -> None:
    timed, stated, _, median, p95 = figures.durations(shown.calls)
    (row,) = shown.rows("duration_summary")
    assert_same(
        {(): (len(shown.calls), timed, stated, median, p95)},
        {(): tuple(row.values())},
    )
    text = shown.page.texts["durations"]
    if not timed:
        assert "No call has a duration" in text
        return
    assert f"Half under {formats.seconds(median)}, 95% under {formats.seconds(p95)}" in text
    bars = Counter(
        next(place for place, end in enumerate(LENGTHS, 1) if (call.duration or 0) < end)
        for call in shown.calls
        if call.duration is not None
    )
    shown_bars = [_first_number(row[-1]) for row in shown.page.tables["durations"][1:]]
    assert shown_bars == [count for _, count in sorted(bars.items())]


def test_reasons_for_not_connecting(shown: Shown) -> None:
    second = {
        (words.said("not_stated" if reason == "unknown" else reason),): (count,)
        for reason, count in figures.reasons(shown.calls).items()
    }
    rows = {(row[0],): (_first_number(row[-1]),) for row in shown.page.tables["reasons"][1:]}
    if second or rows:
        assert_same(second, rows)


def _first_number(text: str) -> int:
    return int(re.findall(r"[\d,]+", text)[0].replace(",", ""))


def _last_number(text: str) -> int | None:
    found = re.findall(r"[\d,]*\d", text)
    return int(found[-1].replace(",", "")) if found else None
