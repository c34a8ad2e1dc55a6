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
                    "Answered by a human": tables.of(
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
                    "Median receipt duration": (
                        tables.seconds(head["median_receipt_duration_seconds"]),
                        f"of {head['timed_call_count']:,} calls with a receipt of start and end; "
                        f"95% under {tables.seconds(head['p95_receipt_duration_seconds'])}",
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
                        "call is left out of the share.",
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
                        "Receipt durations",
                        "From the receipt of the report that the call connected to that of its "
                        f"end: Fluents states no times. {head['timed_call_count']:,} of "
                        f"{head['call_count']:,} calls have both.",
                    ),
                    charts.bars(durations, "length", "call", "outcome")
                    if durations
                    else tables.note("No call has both reports."),
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
