"""The section Overview."""

from __future__ import annotations

import marimo as mo

from dashboard_parts import charts, tables
from dashboard_parts.snapshot import Row, Snapshot


def overview(snapshot: Snapshot, shown: Row) -> mo.Html:
    """Figures, volume, funnel, answer rates, durations and outcomes of the calls shown."""
    head = snapshot.row("headline", **shown)
    if head["call_count"] == 0:
        return tables.note("No calls in what is chosen.")
    grain = charts.grain_of(head["span_seconds"])
    durations = snapshot.rows("durations", **shown)
    outcomes = snapshot.rows("outcomes", **shown)
    return mo.vstack(
        [
            tables.figures(
                {
                    "Calls": (f"{head['call_count']:,}", "by the UTC day of the first event"),
                    "Connected": tables.of(
                        head["connected_count"],
                        head["known_outcome_count"],
                        "calls of known outcome",
                    ),
                    "Human, of all calls": tables.of(
                        head["human_count"],
                        head["known_answer_count"],
                        "calls of which it is known",
                    ),
                    "Engaged": tables.of(
                        head["engaged_count"],
                        head["human_with_turns_count"],
                        "human calls with known turns; over three human turns",
                    ),
                    "With an error": tables.of(
                        head["error_call_count"], head["call_count"], "calls"
                    ),
                    "Median duration": (
                        tables.seconds(head["median_duration_seconds"]),
                        f"of {head['timed_call_count']:,} calls that have one, "
                        f"{head['stated_duration_call_count']:,} of them stated; "
                        f"95% under {tables.seconds(head['p95_duration_seconds'])}",
                    ),
                }
            ),
            tables.heading("Volume", "Calls by the receipt of their first event and by outcome."),
            charts.over_time(
                snapshot.rows("volumes", grain=grain, **shown),
                grain,
                "call",
                "outcome",
                charts.OUTCOMES,
            ),
            tables.columns(
                [
                    tables.heading(
                        "Funnel",
                        "Each stage of those that reached the one before; what is not known of a "
                        "call is left out of the share. So human is of connected calls here.",
                    ),
                    charts.funnel(snapshot.rows("funnel", **shown)),
                ],
                [
                    tables.heading(
                        "Who answers when",
                        "Calls answered by a human, of calls of which it is known.",
                    ),
                    charts.heat_map(snapshot.rows("heat_map", **shown)),
                ],
                [
                    tables.heading(
                        "Durations",
                        "As the sender states it, or else from the receipt of the report that the "
                        "call connected to that of its end. "
                        f"{head['timed_call_count']:,} of {head['call_count']:,} calls have one, "
                        f"{head['stated_duration_call_count']:,} of them stated.",
                    ),
                    charts.bars(durations, "length", "call", "outcome")
                    if durations
                    else tables.note("No call has a duration."),
                ],
                [
                    tables.heading("Outcomes", "connected: by whom answered is not known."),
                    charts.bars(outcomes, "outcome", "call"),
                    tables.table(
                        [row for row in outcomes if row["reason"]],
                        {"reason": "Did not connect because", "call_count": "Calls"},
                        "No call failed to connect.",
                    ),
                ],
            ),
        ]
    )
