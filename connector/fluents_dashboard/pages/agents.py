"""Agents: the headline figures of each, beside those of the days before."""

from __future__ import annotations

from fluents_dashboard import charts
from fluents_dashboard.headline import NAMES, compared
from fluents_dashboard.page import Context, Page, Visit
from fluents_dashboard.pages.overview import has_before
from fluents_dashboard.steps import grain_of, label_of, steps_of

MOST_ROWS = 100
COLOURED = 5  # agents with a colour of their own; all others are one more


def show(visit: Visit) -> Context:
    """A row for each agent, its calls over time, and the numbers on your side."""
    agents: dict[str, dict[str, object]] = {}
    calls: dict[str, float] = {}
    for row in visit.rows("agents"):
        if row["figure"] == "calls":
            calls[row["agent"]] = row["numerator"] or 0
        agents.setdefault(row["agent"], {})[row["figure"]] = compared(row, has_before(visit))
    order = sorted(agents, key=lambda agent: (-calls.get(agent, 0), agent))
    order = [agent for agent in order if calls.get(agent)]
    series = {agent: f"s{place}" for place, agent in enumerate(order[:COLOURED], 1)}
    names = {one: "Not known" if agent == "unknown" else agent for agent, one in series.items()}
    grain = grain_of(visit.filters)
    shown = [name for name in NAMES if any(name in agents[agent] for agent in order)]
    return {
        "agents": [
            {
                "name": agent,
                "figures": agents[agent],
                "series": series.get(agent, "s0"),
                "link": visit.link("overview", agent=agent),
            }
            for agent in order
        ],
        "figures": {
            name: NAMES[name][0]
            for name in shown
            if any(getattr(agents[agent].get(name), "value", "—") != "—" for agent in order)
        },
        "are_named": bool(visit.extent.agents),
        "grain": grain,
        "over_time": charts.columns(
            [
                {**row, "series": series.get(row["agent"], "s0")}
                for row in visit.rows("agent_days", grain=grain)
            ],
            steps_of(visit.filters, grain, visit.extent),
            {**names, "s0": "Others"},
            "series",
            "call_count",
            label_of(grain),
        ),
        "numbers": visit.rows("own_numbers", rows=MOST_ROWS),
    }


PAGE = Page("agents", "Agents", show, waits_for="Comparing agents …")
