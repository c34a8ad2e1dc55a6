"""Scales, labels, heat maps, numbers and colours."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest

import fluents_dashboard
from fluents_dashboard import charts, formats, words
from fluents_dashboard.filters import Extent, Filters
from fluents_dashboard.headline import cards
from fluents_dashboard.steps import grain_of, label_of, steps_of

STYLE = (Path(fluents_dashboard.__file__).parent / "static" / "style.css").read_text()
NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "first_questions.ipynb"
DAY = date(2026, 1, 5)
NOTHING = Extent(None, None, (), ())


def of_days(count: int) -> Filters:
    return Filters("", DAY, DAY + timedelta(days=count - 1))


@pytest.mark.parametrize(
    ("days", "grain", "steps"),
    [(1, "hour", 24), (2, "hour", 48), (28, "day", 28), (100, "day", 100), (365, "month", 13)],
    ids=str,
)
def test_a_time_axis_has_steps_that_can_be_told_apart(days: int, grain: str, steps: int) -> None:
    filters = of_days(days)
    assert grain_of(filters) == grain
    found = steps_of(filters, grain, NOTHING)
    assert len(found) == steps
    assert len(charts.labels(found, label_of(grain))) <= charts.MOST_LABELS


def test_an_axis_of_months_has_those_of_which_there_are_calls() -> None:
    extent = Extent(date(2026, 1, 20), date(2026, 3, 2), (), ())
    ages = Filters("", date(1970, 1, 1), date(2200, 1, 1))
    found = steps_of(ages, grain_of(ages), extent)
    assert found == ["2026-01-01 00", "2026-02-01 00", "2026-03-01 00"]


@pytest.mark.parametrize("highest", [0, 1, 3, 7, 10, 99, 100, 101, 4999, 123_456])
def test_an_axis_reaches_the_highest_with_few_round_lines(highest: int) -> None:
    top, ticks = charts.scale(highest)
    assert top >= highest
    assert 2 <= len(ticks) <= 6
    assert ticks[0].label == "0"
    assert len({tick.label for tick in ticks}) == len(ticks)


def test_columns_stand_on_each_other_and_an_empty_step_keeps_its_place() -> None:
    rows = [
        {"step": "2026-01-05 00", "kind": "a", "n": 3},
        {"step": "2026-01-05 00", "kind": "b", "n": 1},
        {"step": "2026-01-07 00", "kind": "b", "n": 2},
    ]
    steps = steps_of(of_days(3), "day", NOTHING)
    drawn = charts.columns(
        rows, steps, {"a": "A", "b": "B", "c": "C"}, "kind", "n", label_of("day")
    )
    assert [len(column.parts) for column in drawn.columns] == [2, 0, 1]
    first, second = drawn.columns[0].parts
    assert first.y + first.height == charts.HEIGHT
    assert second.y + second.height == pytest.approx(first.y)
    assert drawn.series == (("a", "A"), ("b", "B"))
    assert drawn.columns[0].said == "5 Jan: 4 (A 3, B 1)"
    assert drawn.table[1] == ("6 Jan", "0", "0", "0")


def test_a_line_breaks_where_nothing_is_known() -> None:
    values = [
        (f"2026-01-0{n} 00", value, "") for n, value in enumerate([1.0, 2.0, None, 4.0, 5.0], 1)
    ]
    drawn = charts.line(values, label_of("day"), str)
    assert len(drawn.runs) == 2
    assert len(drawn.points) == 4
    assert drawn.table[2] == ("3 Jan", "—", "")


def test_a_heat_map_spans_its_data_and_greys_what_rests_on_few() -> None:
    rows = [
        {"weekday": 1, "hour": hour, "part": part, "whole": whole}
        for hour, (part, whole) in enumerate([(6, 10), (8, 10), (13, 20), (4, 4), (0, 0)])
    ]
    drawn = charts.heat_map(rows, "part", "whole")
    assert drawn.levels == {(1, 0): "h1", (1, 1): "h6", (1, 2): "h2", (1, 3): "few"}
    assert (drawn.low, drawn.high) == (0.6, 0.8)
    assert drawn.shares == {(1, 0): (6, 10), (1, 1): (8, 10), (1, 2): (13, 20), (1, 3): (4, 4)}


def test_a_share_says_of_what_and_unknown_is_not_zero() -> None:
    assert formats.share(204, 242) == "84% (204 of 242)"
    assert formats.share(1, 4000) == "under 1% (1 of 4,000)"
    assert formats.share(3999, 4000) == "over 99% (3,999 of 4,000)"
    assert formats.share(0, 5) == "0% (0 of 5)"
    assert formats.share(0, 0) == f"{formats.UNKNOWN} (of 0)"
    assert formats.number(None) == formats.seconds(None) == formats.UNKNOWN
    assert [formats.seconds(value) for value in (0.0, 42.4, 185, 3720, 864_000)] == [
        *("0.0 s", "42 s", "3:05 min", "1:02 h", "10 days"),
    ]


def test_how_long_ago_is_said_in_one_unit() -> None:
    now = datetime(2026, 1, 5, tzinfo=UTC)
    said = [formats.ago(now - timedelta(seconds=n), now) for n in (1, 60, 600, 7200, 200_000)]
    assert said == ["1 second ago", "60 seconds ago", "10 minutes ago", "2 hours ago", "2 days ago"]


def test_words_stand_for_identifiers_and_other_text_stays() -> None:
    assert words.said("did_not_connect") == "Did not connect"
    assert words.said("no_slot_found") == "No slot found"
    assert words.said("event_voicemail") == "Voicemail"
    assert words.said("He said: no_way") == "He said: no_way"
    assert words.said("+15551234") == "+15551234"
    assert words.said("") == words.said(None) == ""


def card(numerator: float, denominator: int, before: tuple[float, int]) -> tuple[str, str, str]:
    row = {
        "figure": "error_call_rate", "unit": "share", "numerator": numerator,
        "denominator": denominator, "numerator_before": before[0], "denominator_before": before[1],
    }  # fmt: skip
    (made,) = cards([row], [], (), has_before=True)
    return made.value, made.change, made.tone


def test_a_card_compares_shares_by_points_and_says_what_is_worse() -> None:
    assert card(20, 100, (10, 100)) == ("20%", "+10 points", "bad")
    assert card(5, 100, (10, 100)) == ("5%", "-5 points", "good")
    assert card(10, 100, (10, 100)) == ("10%", "±0 points", "none")
    assert card(10, 100, (0, 0)) == ("10%", "", "none")


# Machado, Oliveira and Fernandes (2009), severity 1
SEEN_BY = {
    "everybody": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopes": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deuteranopes": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "tritanopes": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}
LEAST_APART = 20  # in CIELAB; 2.3 is just noticeable


def linear(colour: str) -> list[float]:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def lab(colour: str, seen: tuple[tuple[float, ...], ...]) -> tuple[float, float, float]:
    red, green, blue = (
        min(1.0, max(0.0, sum(a * b for a, b in zip(row, linear(colour), strict=True))))
        for row in seen
    )
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    x, y, z = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def palette(style: str) -> dict[str, str]:
    names = {name: name.replace("_", "-") for name in words.OUTCOMES}
    found = {name: re.findall(rf"--{css}: (#[0-9a-f]{{6}});", style) for name, css in names.items()}
    assert all(len(colours) == 1 for colours in found.values()), "the same in light and dark"
    return {name: colours[0] for name, colours in found.items()}


@pytest.mark.parametrize("who", SEEN_BY)
def test_outcomes_are_told_apart_by_those_who_do_not_see_all_colours(who: str) -> None:
    for one, other in combinations(palette(STYLE).values(), 2):
        pairs = zip(lab(one, SEEN_BY[who]), lab(other, SEEN_BY[who]), strict=True)
        assert sum((a - b) ** 2 for a, b in pairs) ** 0.5 > LEAST_APART, (one, other)


def test_the_notebook_gives_each_outcome_the_same_colour() -> None:
    source = json.dumps(json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"])
    for name, colour in palette(STYLE).items():
        assert f'\\"{name}\\": \\"{colour}\\"' in source or f"'{name}': '{colour}'" in source
