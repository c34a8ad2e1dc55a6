"""Contacts: who calls again, how many attempts it takes, and the best hour for the next."""

from __future__ import annotations

from flask import Response

from fluents_dashboard import charts
from fluents_dashboard.page import Context, Page, Visit

MOST_ROWS = 50


def show(visit: Visit) -> Context:
    """Repeat callers, attempts, hours, and the numbers with most calls."""
    attempts = visit.rows("attempts")
    return {
        "repeats": visit.row("repeat_calls"),
        "attempts": attempts,
        "most_attempts": max((row["attempt_count"] for row in attempts), default=0),
        "heat": charts.heat_map(visit.rows("attempt_hours"), "answered_count", "known_count"),
        "contacts": [
            {**row, "link": visit.link("calls", q=row["contact_number"])}
            for row in visit.rows("contacts", rows=MOST_ROWS)
        ],
        "csv": visit.link("contacts.csv"),
    }


def download(visit: Visit) -> Response:
    """All numbers on the other side."""
    return visit.csv("contacts", "contacts", rows=None)


PAGE = Page("contacts", "Contacts", show, waits_for="Counting attempts …", files={"csv": download})
