"""The geometry of the charts, which templates/charts.html draws as SVG.

Across, places are per cent of the width, so that a chart fits any window and its text keeps its
size; down, they are pixels. The colours are in style.css, by the class of each series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
HEIGHT = 220.0
ROOM_ABOVE = 18.0  # for the number on the highest line
MOST_LABELS = 6
FEW = 5
"""Cells of a heat map that rest on fewer are grey, and points of a line are not drawn."""
LEVELS = 6
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Tick:
    """A line of the scale: where it is, and what it says."""

    place: float
    label: str


@dataclass(frozen=True)
class Part:
    """A piece of a column, from its top, and the series that colours it."""

    series: str
    y: float
    height: float


@dataclass(frozen=True)
class Column:
    """All pieces of one place of the axis, and what is said of them."""

    x: float
    width: float
    parts: tuple[Part, ...]
    said: str


@dataclass(frozen=True)
class Columns:
    """Stacked columns over time."""

    columns: tuple[Column, ...]
    series: tuple[tuple[str, str], ...]
    """The identifier of each, and its name; without those of which there is nothing."""
    ticks: tuple[Tick, ...]
    labels: tuple[Tick, ...]
    table: tuple[tuple[str, ...], ...]
    height: float = HEIGHT


@dataclass(frozen=True)
class Line:
    """A line over time; `runs` are the points of its unbroken pieces, as SVG writes them."""

    runs: tuple[str, ...]
    points: tuple[Column, ...]
    ticks: tuple[Tick, ...]
    labels: tuple[Tick, ...]
    table: tuple[tuple[str, ...], ...]
    height: float = HEIGHT


@dataclass(frozen=True)
class HeatMap:
    """Shares by weekday, from 1 for Monday, and hour."""

    shares: Mapping[tuple[int, int], tuple[int, int]]
    """Of each cell with anything in it: how many, and of how many."""
    levels: Mapping[tuple[int, int], str]
    """A class for each: `few`, or `h1` to `h6` over the range of the data."""
    low: float
    """The least share of cells that rest on enough calls."""
    high: float


def columns(
    rows: Iterable[Row],
    steps: Sequence[str],
    names: Mapping[str, str],
    kind: str,
    count: str,
    label: Callable[[str], str],
) -> Columns:
    """`row[count]` at `row["step"]`, stacked by `row[kind]` in the order of `names`.

    `steps` are all places of the axis, so that one with nothing is empty and not left out.
    """
    counted: dict[str, dict[str, int]] = {step: {} for step in steps}
    for row in rows:
        if row["step"] in counted:
            at = counted[row["step"]]
            at[row[kind]] = at.get(row[kind], 0) + row[count]
    series = [name for name in names if any(at.get(name) for at in counted.values())]
    top, ticks = scale(max((sum(at.values()) for at in counted.values()), default=0))
    width = 100 / max(len(steps), 1)
    drawn, table = [], []
    for place, step in enumerate(steps):
        at, y, parts = counted[step], HEIGHT, []
        for name in series:
            if height := at.get(name, 0) / top * (HEIGHT - ROOM_ABOVE):
                y -= height
                parts.append(Part(name, y, height))
        total = sum(at.values())
        listed = ", ".join(f"{names[name]} {at[name]:,}" for name in series if at.get(name))
        said = f"{label(step)}: {total:,}" + (f" ({listed})" if len(series) > 1 and listed else "")
        drawn.append(Column(place * width, width, tuple(parts), said))
        table.append((label(step), f"{total:,}", *(f"{at.get(name, 0):,}" for name in series)))
    return Columns(
        tuple(drawn),
        tuple((name, names[name]) for name in series),
        ticks,
        labels(steps, label),
        tuple(table),
    )


def rate(step: str, row: Row | None, part: str, whole: str) -> tuple[str, float | None, str]:
    """What `line` takes of `row[part]` of `row[whole]`: no point where that is of too few."""
    if row is None or not row[whole] or row[part] is None:
        return step, None, ""
    if row[whole] < FEW:
        return step, None, f"of {row[whole]:,}: too few"
    return step, row[part] / row[whole], f"of {row[whole]:,}"


def line(
    values: Sequence[tuple[str, float | None, str]],
    label: Callable[[str], str],
    shown: Callable[[float], str],
    most: float | None = None,
) -> Line:
    """A line through (step, value, what it is of); None breaks it. `most` ends the scale."""
    known = [value for _, value, _ in values if value is not None]
    top, ticks = scale(max(known, default=0), shown, most)
    width = 100 / max(len(values), 1)
    runs: list[list[str]] = [[]]
    points, table = [], []
    for place, (step, value, of) in enumerate(values):
        x = (place + 0.5) * width
        table.append((label(step), "—" if value is None else shown(value), of))
        if value is None:
            runs.append([])
            continue
        y = HEIGHT - value / top * (HEIGHT - ROOM_ABOVE)
        runs[-1].append(f"{x:.2f},{y:.1f}")
        said = f"{label(step)}: {shown(value)}" + (f" ({of})" if of else "")
        points.append(Column(x, width, (Part("", y, 0),), said))
    return Line(
        tuple(" ".join(run) for run in runs if len(run) > 1),
        tuple(points),
        ticks,
        labels([step for step, _, _ in values], label),
        tuple(table),
    )


def spark(values: Sequence[float | None]) -> list[str]:
    """The unbroken pieces of a line without a scale, in a box of 100 by 24."""
    known = [value for value in values if value is not None]
    low, high = min(known, default=0), max(known, default=0)
    runs: list[list[str]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
            continue
        x = place / max(len(values) - 1, 1) * 100
        y = 12.0 if high == low else 22 - (value - low) / (high - low) * 20
        runs[-1].append(f"{x:.1f},{y:.1f}")
    return [" ".join(run) for run in runs if len(run) > 1]


def scale(
    highest: float, shown: Callable[[float], str] | None = None, most: float | None = None
) -> tuple[float, tuple[Tick, ...]]:
    """The end of an axis that begins at 0, and some three to five lines of it."""
    is_count = shown is None
    step = _round_step((most or highest or 1) / 4)
    if is_count:
        step = max(step, 1)
    top = most or max(step * -(-highest // step), step)
    ticks = []
    value = 0.0
    while value <= top * 1.0001:
        y = HEIGHT - value / top * (HEIGHT - ROOM_ABOVE)
        ticks.append(Tick(y, (shown or _count)(value)))
        value += step
    return top, tuple(ticks)


def labels(steps: Sequence[str], label: Callable[[str], str]) -> tuple[Tick, ...]:
    """Names of some steps, at the middle of each, with the same number between them."""
    every = max(1, -(-len(steps) // MOST_LABELS))
    width = 100 / max(len(steps), 1)
    return tuple(
        Tick((place + 0.5) * width, label(step))
        for place, step in enumerate(steps)
        if place % every == (len(steps) - 1) % every
    )


def heat_map(rows: Iterable[Row], part: str, whole: str) -> HeatMap:
    """`row[part]` of `row[whole]` in the cells of `row["weekday"]` and `row["hour"]`."""
    shares = {(row["weekday"], row["hour"]): (row[part], row[whole]) for row in rows if row[whole]}
    rates = {place: some / of for place, (some, of) in shares.items() if of >= FEW}
    low, high = min(rates.values(), default=0), max(rates.values(), default=0)
    levels = dict.fromkeys(shares, "few")
    for place, share in rates.items():
        of_range = (share - low) / (high - low) if high > low else 0.5
        levels[place] = f"h{min(LEVELS, 1 + int(of_range * LEVELS))}"
    return HeatMap(shares, levels, low, high)


def _round_step(least: float) -> float:
    size = 1.0
    while size < least:
        size *= 10
    while size > least:
        size /= 10
    return next(size * of for of in (1, 2, 5, 10) if size * of >= least * 0.9999)


def _count(value: float) -> str:
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
