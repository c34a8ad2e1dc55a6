"""Overview: what became of the calls, beside the days before."""

from __future__ import annotations

from typing import Any

from fluents_dashboard import charts, words
from fluents_dashboard.headline import cards
from fluents_dashboard.page import Context, Page, Visit
from fluents_dashboard.steps import grain_of, label_of, steps_of


def show(visit: Visit) -> Context:
    """The figures, volume, outcomes, funnel, answer rates by hour and durations."""
    grain, days = grain_of(visit.filters), grain_of(visit.filters, with_hours=False)
    outcomes = {row["outcome"]: row["call_count"] for row in visit.rows("outcomes")}
    call_count = sum(outcomes.values())
    if not call_count:
        return {"call_count": 0}
    return {
        "call_count": call_count,
        "cards": cards(
            visit.rows("headline"),
            visit.rows("headline_days", grain=days),
            steps_of(visit.filters, days, visit.extent),
            has_before(visit),
        ),
        "grain": grain,
        "volumes": charts.columns(
            visit.rows("volumes", grain=grain),
            steps_of(visit.filters, grain, visit.extent),
            words.OUTCOMES,
            "outcome",
            "call_count",
            label_of(grain),
        ),
        "outcomes": [
            (name, outcomes[name], visit.link("calls", outcome=name))
            for name in words.OUTCOMES
            if outcomes.get(name)
        ],
        "reasons": visit.rows("reasons"),
        "funnel": visit.rows("funnel"),
        "heat": charts.heat_map(visit.rows("heat_map"), "human_count", "known_count"),
        "durations": _durations(visit),
        "duration": visit.row("duration_summary"),
    }


def has_before(visit: Visit) -> bool:
    """Whether the warehouse holds all the days before, with which the shown are compared.

    Today alone is not compared: a part of a day is less than a day.
    """
    first = visit.extent.first_day
    return first is not None and first <= visit.filters.before.from_day and not visit.is_today


def _durations(visit: Visit) -> list[dict[str, Any]]:
    lengths: dict[int, dict[str, Any]] = {}
    for row in visit.rows("durations"):
        length = lengths.setdefault(
            row["place"],
            {
                "length": row["length"],
                "outcomes": {},
                "call_count": 0,
                "link": visit.link(
                    "calls",
                    **{"min": row["min_seconds"] or None, "max": row["max_seconds"]},
                ),
            },
        )
        length["outcomes"][row["outcome"]] = row["call_count"]
        length["call_count"] += row["call_count"]
    return [lengths[place] for place in sorted(lengths)]


PAGE = Page("overview", "Overview", show, waits_for="Counting calls, outcomes and durations …")
