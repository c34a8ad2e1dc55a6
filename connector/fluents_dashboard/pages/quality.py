"""Quality: whether the figures can be trusted: deliveries, what is missing, freshness, errors."""

from __future__ import annotations

from fluents_dashboard import charts, words
from fluents_dashboard.page import Context, Page, Visit
from fluents_dashboard.steps import grain_of, label_of, steps_of
from fluents_dashboard.waiting import not_let_in

MOST_ROWS = 200


def show(visit: Visit) -> Context:
    """Deliveries, data quality, freshness, errors, and what was not let in."""
    grain = grain_of(visit.filters)
    status = visit.status()
    return {
        "grain": grain,
        "deliveries": charts.columns(
            visit.rows("deliveries", grain=grain),
            steps_of(visit.filters, grain, visit.extent),
            words.DELIVERIES,
            "kind",
            "delivery_count",
            label_of(grain),
        ),
        "issues": visit.rows("quality"),
        "freshness": visit.rows("freshness", rows=MOST_ROWS),
        "errors": visit.rows("errors", rows=MOST_ROWS),
        "status": status,
        "refused": not_let_in(status),
    }


PAGE = Page("quality", "Quality", show, waits_for="Checking what was delivered …")
