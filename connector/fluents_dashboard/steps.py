"""The steps of a time axis: hours, days or months, as many as can be told apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from fluents_dashboard.filters import Extent, Filters

MOST_HOURS = 2  # days that are shown by the hour
MOST_DAYS = 100


def grain_of(filters: Filters, *, with_hours: bool = True) -> str:
    """hour, day or month."""
    if with_hours and filters.day_count <= MOST_HOURS:
        return "hour"
    return "day" if filters.day_count <= MOST_DAYS else "month"


def steps_of(filters: Filters, grain: str, extent: Extent) -> list[str]:
    """Each step of the days chosen, as the queries write it: `2026-01-31 13`.

    Of months those that the warehouse has calls of.
    """
    if grain == "month":
        steps: list[str] = []
        first = max(filters.from_day, extent.first_day or filters.from_day).replace(day=1)
        last = min(filters.until_day, extent.last_day or filters.until_day)
        while first <= last:
            steps.append(f"{first} 00")
            first = (first + timedelta(days=32)).replace(day=1)
        return steps
    days = [filters.from_day + timedelta(days=n) for n in range(filters.day_count)]
    if grain == "day":
        return [f"{day} 00" for day in days]
    return [f"{day} {hour:02d}" for day in days for hour in range(24)]


def label_of(grain: str) -> Callable[[str], str]:
    """How a step is called on the axis."""

    def label(step: str) -> str:
        moment = datetime.strptime(step, "%Y-%m-%d %H")
        if grain == "hour":
            return f"{moment:%a %H}:00"
        return f"{moment:%b %Y}" if grain == "month" else f"{moment.day} {moment:%b}"

    return label
