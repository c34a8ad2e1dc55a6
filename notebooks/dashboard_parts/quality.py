"""The section Quality."""

from __future__ import annotations

import marimo as mo

from dashboard_parts import charts, tables
from dashboard_parts.snapshot import Row, Snapshot

MOST_ROWS = 200


def quality(snapshot: Snapshot, shown: Row) -> mo.Html:
    """Deliveries, data quality, freshness and errors."""
    span = charts.grain_of(snapshot.row("headline", **shown)["span_seconds"])
    span = "hour" if span == "minute" else span  # the model counts by the hour
    deliveries = snapshot.rows("deliveries", grain=span, **shown)
    return mo.vstack(
        [
            tables.heading(
                "Deliveries", "By the hour of their receipt; not filtered by direction."
            ),
            charts.over_time(
                deliveries, span, "delivery", "kind", ["event", "duplicate", "quarantined"]
            )
            if deliveries
            else tables.note("No deliveries in what is chosen."),
            tables.heading("Data quality", "Of the whole warehouse, whatever is chosen above."),
            tables.table(
                [
                    {**row, "share": tables.share(row["affected_count"], row["examined_count"])}
                    for row in snapshot.rows("quality")
                ],
                {"share": "Affected", "meaning": "What it is", "issue": "Issue"},
                "",
            ),
            tables.heading(
                "Freshness", "The newest delivery of each type; filtered by webhook alone."
            ),
            tables.table(
                snapshot.rows("freshness", **shown, rows=MOST_ROWS),
                {
                    "webhook": "Webhook",
                    "type": "Type",
                    "delivery_count": "Deliveries",
                    "last_received_at": "Last received (UTC)",
                    "last_delay_seconds": "Loaded after (s)",
                    "behind_newest_seconds": "Behind the newest (s)",
                },
                "Nothing was delivered yet.",
            ),
            tables.heading("Errors by type", "Of the calls chosen."),
            tables.table(
                [
                    {**row, "share": tables.share(row["affected_call_count"], row["call_count"])}
                    for row in snapshot.rows("errors", **shown, rows=MOST_ROWS)
                ],
                {
                    "error_type": "Error",
                    "latest_message": "Latest message",
                    "error_count": "Errors",
                    "share": "Calls affected",
                    "last_error_at": "Last (UTC)",
                },
                "No errors in what is chosen.",
            ),
        ]
    )
