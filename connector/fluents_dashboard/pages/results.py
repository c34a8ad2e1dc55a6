"""Results: the fields of post-call results, and their values over time."""

from __future__ import annotations

from typing import Any

from flask import Response

from fluents_dashboard import charts, words
from fluents_dashboard.page import Context, Page, Visit
from fluents_dashboard.steps import grain_of, label_of, steps_of

MOST_FIELDS = 200
MOST_VALUES = 12
STACKED = 5  # values with a colour of their own; all others are one more


def show(visit: Visit) -> Context:
    """The fields, and the values of the one that is chosen."""
    fields = visit.rows("result_fields", rows=MOST_FIELDS)
    if not fields:
        return {"fields": []}
    asked = visit.asked.get("field")
    chosen = next((row for row in fields if row["path"] == asked), fields[0])
    path = chosen["path"]
    values = visit.rows("result_values", path=path, rows=MOST_VALUES)
    grain = grain_of(visit.filters)
    are_numbers = chosen["number_count"] > chosen["filled_count"] / 2
    means = _means(visit, path, grain) if are_numbers else None
    return {
        "fields": [{**row, "link": visit.link("results", field=row["path"])} for row in fields],
        "path": path,
        "missing": asked if asked != path else None,
        "chosen": chosen,
        "are_means": means is not None,
        "values": [
            {
                **row,
                "series": "plain" if means else f"s{place}" if place <= STACKED else "s0",
                "link": visit.link("calls", field=path, value=row["value"])
                if len(row["value"]) <= 200
                else None,
            }
            for place, row in enumerate(values, 1)
        ],
        "grain": grain,
        "over_time": means or _counts(visit, path, grain, values),
        "csv": visit.link("results.csv"),
    }


def _counts(visit: Visit, path: str, grain: str, values: list[dict[str, Any]]) -> charts.Columns:
    """How many results have each of the most frequent values."""
    names = {
        f"s{place}": words.said(row["value"])[:60] for place, row in enumerate(values[:STACKED], 1)
    }
    return charts.columns(
        visit.rows("result_days", path=path, grain=grain, places=STACKED),
        steps_of(visit.filters, grain, visit.extent),
        {**names, "s0": "Other values"},
        "series",
        "result_count",
        label_of(grain),
    )


def _means(visit: Visit, path: str, grain: str) -> charts.Line | None:
    """The mean of numbers; None where one is below zero, as the scale begins there."""
    means = {row["step"]: row for row in visit.rows("result_means", path=path, grain=grain)}
    if any((row["sum_number"] or 0) < 0 for row in means.values()):
        return None
    return charts.line(
        [
            charts.rate(step, means.get(step), "sum_number", "number_count")
            for step in steps_of(visit.filters, grain, visit.extent)
        ],
        label_of(grain),
        lambda value: f"{value:.2f}",
    )


def wide(visit: Visit) -> Response:
    """A row for each result of the calls chosen, with the columns of [post_call_columns]."""
    return visit.csv("result_wide", "results")


PAGE = Page(
    "results", "Results", show, waits_for="Reading post-call results …", files={"csv": wide}
)
