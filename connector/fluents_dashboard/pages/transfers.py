"""Transfers: to whom, whether they succeeded, and what came after."""

from __future__ import annotations

from flask import Response

from fluents_dashboard import charts, words
from fluents_dashboard.page import Context, Page, Visit
from fluents_dashboard.steps import grain_of, label_of, steps_of

MOST_ROWS = 50
MOST_TARGETS = 15


def show(visit: Visit) -> Context:
    """Transfers by day and by target, and the newest ones."""
    grain = grain_of(visit.filters, with_hours=False)
    targets = visit.rows("transfer_targets", rows=None)
    counts = ("transfer_count", "succeeded_count", "known_count", "told_count", "timed_count")
    return {
        "total": {
            **{name: sum(row[name] for row in targets) for name in counts},
            "total_seconds_to_end": sum(row["total_seconds_to_end"] or 0 for row in targets),
        },
        "grain": grain,
        "over_time": charts.columns(
            visit.rows("transfer_days", grain=grain),
            steps_of(visit.filters, grain, visit.extent),
            words.TRANSFERS,
            "kind",
            "transfer_count",
            label_of(grain),
        ),
        "targets": targets[:MOST_TARGETS],
        "transfers": [
            {**row, "link": visit.link("call", id=row["call_id"])}
            for row in visit.rows("transfer_page", rows=MOST_ROWS)
        ],
        "most": MOST_ROWS,
        "csv": visit.link("transfers.csv"),
    }


def download(visit: Visit) -> Response:
    """All transfers of the days shown."""
    return visit.csv("transfer_page", "transfers", rows=None)


PAGE = Page(
    "transfers", "Transfers", show, waits_for="Following transfers …", files={"csv": download}
)
