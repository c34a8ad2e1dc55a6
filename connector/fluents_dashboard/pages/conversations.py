"""Conversations: how fast the agent replies, how often it is interrupted, who talks."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from fluents_dashboard import charts, formats
from fluents_dashboard.page import Context, Page, Visit
from fluents_dashboard.steps import grain_of, label_of, steps_of

LIMITS = (1, 2, 3, 4, 5, 6, 8, 10, 15)  # seconds


def show(visit: Visit) -> Context:
    """Response times and interruptions, of all and of each agent."""
    whole = visit.row("conversations")
    grain = grain_of(visit.filters, with_hours=False)
    steps = steps_of(visit.filters, grain, visit.extent)
    days = {row["step"]: row for row in visit.rows("conversation_days", grain=grain)}
    times = visit.rows("response_times")
    return {
        "whole": whole,
        "grain": grain,
        "percentiles": [(name, _at(times, part)) for name, part in (("Half", 0.5), ("90%", 0.9))],
        "slowest": _at(times, 0.95),
        "response_times": _binned(times),
        "interruptions": charts.line(
            [
                charts.rate(step, days.get(step), "cut_off_count", "bot_turn_count")
                for step in steps
            ],
            label_of(grain),
            lambda value: formats.per_cent(value, 1) if value else "0%",
        ),
        "replies": charts.line(
            [
                charts.rate(step, days.get(step), "total_human_to_bot_seconds", "reply_count")
                for step in steps
            ],
            label_of(grain),
            formats.seconds,
        ),
        "agents": visit.rows("conversation_agents"),
    }


def _at(times: list[dict[str, Any]], part: float) -> float | None:
    """The least response time up to which so large a part of the replies came."""
    return next(
        (
            row["human_to_bot_seconds"]
            for row in times
            if row["up_to_here_count"] >= part * row["all_count"]
        ),
        None,
    )


def _binned(times: list[dict[str, Any]]) -> list[tuple[str, int]]:
    counts = dict.fromkeys(range(len(LIMITS) + 1), 0)
    for row in times:
        seconds = row["human_to_bot_seconds"]
        place = next((n for n, limit in enumerate(LIMITS) if seconds < limit), len(LIMITS))
        counts[place] += row["reply_count"]
    names = [f"under {LIMITS[0]} s"]
    names += [f"{low}\u2013{high} s" for low, high in pairwise(LIMITS)]
    return list(zip([*names, f"{LIMITS[-1]} s or more"], counts.values(), strict=True))


PAGE = Page("conversations", "Conversations", show, waits_for="Timing replies …")
