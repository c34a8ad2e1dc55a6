"""Results: the fields of post-call results, and their values over time."""

from __future__ import annotations

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
    path = asked if asked in [row["path"] for row in fields] else fields[0]["path"]
    values = visit.rows("result_values", path=path, rows=MOST_VALUES)
    grain = grain_of(visit.filters)
    names = {
        f"s{place}": words.said(row["value"])[:60] for place, row in enumerate(values[:STACKED], 1)
    }
    return {
        "fields": [{**row, "link": visit.link("results", field=row["path"])} for row in fields],
        "path": path,
        "missing": asked if asked != path else None,
        "chosen": next(row for row in fields if row["path"] == path),
        "values": [
            {
                **row,
                "series": f"s{place}" if place <= STACKED else "s0",
                "link": visit.link("calls", field=path, value=row["value"])
                if len(row["value"]) <= 200
                else None,
            }
            for place, row in enumerate(values, 1)
        ],
        "grain": grain,
        "over_time": charts.columns(
            visit.rows("result_days", path=path, grain=grain, places=STACKED),
            steps_of(visit.filters, grain, visit.extent),
            {**names, "s0": "Other values"},
            "series",
            "result_count",
            label_of(grain),
        ),
        "csv": visit.link("results.csv"),
    }


def wide(visit: Visit) -> Response:
    """A row for each result of the calls chosen, with the columns of [post_call_columns]."""
    return visit.csv("result_wide", "results")


PAGE = Page(
    "results", "Results", show, waits_for="Reading post-call results …", files={"csv": wide}
)
