"""The cards: a headline figure beside that of as many days before, and how it developed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fluents_dashboard import charts, formats

NAMES = {
    "calls": ("Calls", ""),
    "talk_minutes": ("Minutes talked", ""),
    "connection_rate": ("Connected", "calls of known outcome"),
    "human_rate_of_connected": ("With a human", "connected calls of which it is known"),
    "engaged_rate": ("Engaged", "human calls with known turns"),
    "mean_duration_seconds": ("Mean duration", "calls with a duration"),
    "transfer_rate": ("Transferred", "connected calls"),
    "error_call_rate": ("With an error", "calls"),
    "cost": ("Cost", ""),
}
"""For each figure of headline_daily its name, and what its denominator counts."""

_WORSE_WHEN_MORE = {"error_call_rate"}
_WITHOUT_JUDGEMENT = {"calls", "talk_minutes", "cost", "mean_duration_seconds", "transfer_rate"}


@dataclass(frozen=True)
class Card:
    """What a card says; `trend` is up, down or same, `tone` good, bad or none."""

    name: str
    value: str
    of: str
    change: str
    trend: str
    tone: str
    runs: tuple[str, ...]


def cards(
    rows: Iterable[dict[str, Any]],
    stepped: Iterable[dict[str, Any]],
    steps: Sequence[str],
    has_before: bool,
) -> list[Card]:
    """A card for each figure of which something is known, in the order of `NAMES`.

    `stepped` are the figures at each of `steps`, for the small trend.
    """
    found = {row["figure"]: row for row in rows}
    trends: dict[str, dict[str, float | None]] = {}
    for row in stepped:
        trends.setdefault(row["figure"], {})[row["step"]] = _value(
            row, found[row["figure"]]["unit"], ""
        )
    return [
        _card(figure, found[figure], trends.get(figure, {}), steps, has_before)
        for figure in NAMES
        if figure in found and _value(found[figure], found[figure]["unit"], "") is not None
    ]


def compared(row: dict[str, Any], has_before: bool) -> Card:
    """One figure beside that of the days before, without its trend."""
    return _card(row["figure"], row, {}, (), has_before, brief=True)


def _card(
    figure: str,
    row: dict[str, Any],
    trend_by_step: dict[str, float | None],
    steps: Sequence[str],
    has_before: bool,
    *,
    brief: bool = False,
) -> Card:
    name, of = NAMES[figure]
    of = "" if brief else of
    unit = row["unit"]
    value, before = _value(row, unit, ""), _value(row, unit, "_before")
    change, trend, tone = "", "same", "none"
    if has_before and value is not None and before is not None:
        difference = value - before
        change = _change(difference, before, unit)
        trend = "same" if change.startswith(("±", "0 ")) else "up" if difference > 0 else "down"
        if trend != "same" and figure not in _WITHOUT_JUDGEMENT:
            tone = "good" if (difference > 0) != (figure in _WORSE_WHEN_MORE) else "bad"
    if unit == "share" and row["denominator"]:
        of = f"{row['numerator']:,.0f} of {row['denominator']:,} {of}".strip()
    elif unit == "seconds" and row["denominator"]:
        of = f"of {row['denominator']:,} {of}".strip()
    runs: list[str] = []
    if len(steps) > 2:
        empty = None if _is_rate(unit) else 0.0
        runs = charts.spark([trend_by_step.get(step, empty) for step in steps])
    return Card(name, shown(value, unit), of, change, trend, tone, tuple(runs))


def shown(value: float | None, unit: str) -> str:
    """A figure in its unit."""
    if value is None:
        return formats.UNKNOWN
    if unit == "share":
        return formats.per_cent(value, 1)
    if unit == "seconds":
        return formats.seconds(value)
    if unit == "cost":
        return f"{value:,.2f}"
    return formats.number(value)


def _value(row: dict[str, Any], unit: str, when: str) -> float | None:
    numerator, denominator = row[f"numerator{when}"], row[f"denominator{when}"]
    if numerator is None or not _is_rate(unit):
        return None if numerator is None else float(numerator)
    return float(numerator) / denominator if denominator else None


def _is_rate(unit: str) -> bool:
    return unit in ("share", "seconds")


def _change(difference: float, before: float, unit: str) -> str:
    if unit == "share":
        points = round(difference * 100)
        return f"{points:+d} points" if points else "±0 points"
    if unit == "seconds":
        return f"{'+' if difference >= 0 else '-'}{formats.seconds(abs(difference))}"
    if not before:
        return f"+{formats.number(difference)}" if difference else "±0"
    per_cent = round(difference / before * 100)
    return f"{per_cent:+,d}%" if per_cent else "±0%"
