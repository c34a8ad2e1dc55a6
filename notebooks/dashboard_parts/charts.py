"""The charts: each takes the rows of one query. Axes say their unit; times are in UTC."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import altair as alt

from dashboard_parts.snapshot import Row

_Chart = TypeVar("_Chart", alt.Chart, alt.LayerChart)
OUTCOMES = ["human", "no_human", "connected", "did_not_connect", "unknown"]
_COLOURS = ["#54a24b", "#eeca3b", "#4c78a8", "#e45756", "#9aa5b1"]
_UNITS = {
    "minute": "utcyearmonthdatehoursminutes",
    "hour": "utcyearmonthdatehours",
    "day": "utcyearmonthdate",
    "month": "utcyearmonth",
}
_WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_FORMATS = {"minute": "%H:%M", "hour": "%d %b %H:%M", "day": "%d %b", "month": "%b %Y"}


def grain_of(span_seconds: float | None) -> str:
    """The step of a time axis on which so many seconds give some ten to some hundred steps."""
    for limit, grain in ((2 * 3600, "minute"), (4 * 86400, "hour"), (400 * 86400, "day")):
        if (span_seconds or 0) <= limit:
            return grain
    return "month"


def over_time(rows: list[Row], grain: str, what: str, kind: str, kinds: list[str]) -> alt.Chart:
    """Stacked bars: `what`_count in each minute, hour, day or month, by `kind`."""
    chart = (
        _chart(rows)
        .mark_bar()
        .encode(
            x=alt.X(
                "began_at:T",
                timeUnit=_UNITS[grain],
                scale=alt.Scale(type="utc"),
                title=f"UTC, by {grain}",
                axis=alt.Axis(
                    format=_FORMATS[grain],
                    labelOverlap="greedy",
                    labelSeparation=8,
                    tickCount=6,
                    grid=False,
                ),
            ),
            y=alt.Y(f"sum({what}_count):Q", title=_plural(what), axis=_counts()),
            color=_colour(kind, kinds),
            tooltip=[
                alt.Tooltip("began_at:T", timeUnit=_UNITS[grain], title="UTC"),
                alt.Tooltip(f"{kind}:N"),
                alt.Tooltip(f"{what}_count:Q", title=_plural(what), format=","),
            ],
        )
    )
    return _sized(chart, 220)


def funnel(rows: list[Row]) -> alt.LayerChart:
    """Bars of the stages, each with its count and its share of the stage before."""
    for row in rows:
        rate = row["conversion_rate"]
        of = (
            ""
            if rate is None or row["stage_number"] == 1
            else (f" = {rate:.0%} of {row['candidate_count']:,}")
        )
        row["label"] = f"{row['call_count']:,}{of}"
    most = max(row["call_count"] for row in rows)
    base = _chart(rows).encode(
        y=alt.Y("stage:N", sort=None, title=None),
        # room for the label of the longest bar
        x=alt.X(
            "call_count:Q",
            title="calls",
            scale=alt.Scale(domain=[0, most * 1.6 or 1]),
            axis=_counts(),
        ),
        tooltip=["stage:N", "call_count:Q", "candidate_count:Q", "unknown_count:Q"],
    )
    labels = base.mark_text(align="left", dx=4).encode(text="label:N")
    return _sized(base.mark_bar(color=_COLOURS[2]) + labels, 200)


def heat_map(rows: list[Row]) -> alt.Chart:
    """The share of calls that a human answered, for each weekday and hour."""
    for row in rows:
        row["weekday"] = _WEEKDAYS[row["weekday"] - 1]
    chart = (
        _chart(rows)
        .mark_rect()
        .encode(
            x=alt.X(
                "hour:O",
                title="hour of the first event (UTC)",
                scale=alt.Scale(domain=list(range(24))),
                axis=alt.Axis(values=list(range(0, 24, 3)), labelAngle=0),
            ),
            y=alt.Y("weekday:O", title=None, scale=alt.Scale(domain=_WEEKDAYS)),
            color=alt.Color(
                "human_rate_of_calls:Q",
                title="human, of known calls",
                scale=alt.Scale(scheme="greens", domain=[0, 1]),
                legend=alt.Legend(orient="top", format="%", gradientLength=160),
            ),
            tooltip=[
                "weekday:O",
                "hour:O",
                alt.Tooltip("human_count:Q", title="answered by a human"),
                alt.Tooltip("known_count:Q", title="of calls with a known answer"),
                alt.Tooltip("call_count:Q", title="calls"),
            ],
        )
    )
    return _sized(chart, 200)


def bars(rows: list[Row], label: str, what: str, kind: str = "", title: str = "") -> alt.Chart:
    """Horizontal bars in the order of the rows: `what`_count for each `label`, maybe by `kind`."""
    coloured: dict[str, Any] = {}
    if kind:
        coloured = {"color": _colour(kind, OUTCOMES)}
    count = len({row[label] for row in rows})
    chart = (
        _chart(rows)
        .mark_bar(color=_COLOURS[2])
        .encode(
            y=alt.Y(f"{label}:N", sort=None, title=None, axis=alt.Axis(labelLimit=150)),
            x=alt.X(f"sum({what}_count):Q", title=title or _plural(what), axis=_counts()),
            tooltip=[f"{label}:N", *([f"{kind}:N"] if kind else []), f"{what}_count:Q"],
            **coloured,
        )
    )
    return _sized(chart, 26 * count)


def rate_by_day(rows: list[Row], title: str) -> alt.Chart:
    """A line of shares by UTC day."""
    chart = (
        _chart(rows)
        .mark_line(point=True, color=_COLOURS[2])
        .encode(
            x=alt.X(
                "received_on:T",
                timeUnit="utcyearmonthdate",
                scale=alt.Scale(type="utc"),
                title="UTC day of receipt",
                axis=alt.Axis(
                    format="%d %b",
                    labelOverlap="greedy",
                    labelSeparation=8,
                    tickCount=6,
                    grid=False,
                ),
            ),
            y=alt.Y(
                "filled_rate:Q",
                title=title,
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%"),
            ),
            tooltip=["received_on:T", "filled_count:Q", "json_count:Q"],
        )
    )
    return _sized(chart, 180)


def _chart(rows: Iterable[Row]) -> alt.Chart:
    return alt.Chart(alt.Data(values=list(rows)))


def _sized(chart: _Chart, height: int) -> _Chart:
    # without the menu, whose entries would send data to an editor on the web
    return chart.properties(
        width="container", height=height, usermeta={"embedOptions": {"actions": False}}
    )


def _colour(kind: str, kinds: list[str]) -> alt.Color:
    scale = alt.Scale(domain=kinds, range=_COLOURS[: len(kinds)])
    return alt.Color(
        f"{kind}:N", title=None, scale=scale, legend=alt.Legend(orient="top", columns=3)
    )


def _counts() -> alt.Axis:
    return alt.Axis(format="~s", tickMinStep=1, tickCount=5)


def _plural(what: str) -> str:
    return {"delivery": "deliveries"}.get(what, f"{what}s")
