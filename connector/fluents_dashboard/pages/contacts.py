"""Contacts: who calls again, how many attempts it takes, and the best hour for the next."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response

from fluents_dashboard import charts
from fluents_dashboard.page import Context, Page, Visit

MOST_ROWS = 50
WEEKS = 8


def show(visit: Visit) -> Context:
    """Repeat callers, attempts, hours, and the numbers with most calls."""
    attempts = visit.rows("attempts")
    cohorts = _cohorts(visit)
    return {
        "repeats": visit.row("repeat_calls"),
        "attempts": attempts,
        "heat": charts.heat_map(visit.rows("attempt_hours"), "answered_count", "known_count"),
        "cohorts": cohorts,
        "weeks": range(max((len(cohort["later"]) for cohort in cohorts), default=0)),
        "most_weeks": WEEKS,
        "contacts": [
            {**row, "link": visit.link("calls", q=row["contact_number"])}
            for row in visit.rows("contacts", rows=MOST_ROWS)
        ],
        "csv": visit.link("contacts.csv"),
    }


def download(visit: Visit) -> Response:
    """All numbers on the other side."""
    return visit.csv("contacts", "contacts", rows=None)


def _cohorts(visit: Visit) -> list[dict[str, Any]]:
    """A row a week of first calls: how many contacts, and of each later week who came again."""
    cohorts: dict[date, dict[str, Any]] = {}
    for row in visit.rows("contact_cohorts", weeks=WEEKS):
        cohort = cohorts.setdefault(
            row["first_week_on"],
            {
                "first_week_on": row["first_week_on"],
                "contact_count": row["contact_count"],
                "later": {},
            },
        )
        cohort["later"][row["weeks_later"]] = row
    return list(cohorts.values())


PAGE = Page("contacts", "Contacts", show, waits_for="Counting attempts …", files={"csv": download})
