"""The section Results."""

from __future__ import annotations

import marimo as mo

from dashboard_parts import charts, tables
from dashboard_parts.snapshot import Row, Snapshot


def result_fields(fields: list[Row]) -> mo.Html:
    """Which fields post-call results have, and how often they are filled in."""
    return mo.vstack(
        [
            tables.heading(
                "Fields of post-call results",
                f"{fields[0]['json_count']:,} of {fields[0]['result_count']:,} results are JSON; "
                "filled in: neither null nor empty.",
            ),
            tables.table(
                [
                    {
                        "path": row["path"],
                        "filled": tables.share(row["filled_count"], row["json_count"]),
                        "mean": row["mean_number"],
                        "true": tables.share(row["true_count"], row["boolean_count"])
                        if row["boolean_count"]
                        else None,
                    }
                    for row in fields
                ],
                {"path": "Field", "filled": "Filled in", "mean": "Mean", "true": "True"},
                "",
            ),
        ]
    )


def result_values(snapshot: Snapshot, shown: Row, path: str) -> mo.Html:
    """The values of one field, and how often it is filled in by day."""
    values = snapshot.rows("result_values", **shown, path=path, rows=12)
    daily = snapshot.rows("result_days", **shown, path=path)
    return tables.columns(
        [
            tables.heading("Most frequent values", f"Of {path}, cut at 60 characters."),
            charts.bars(values, "value", "result") if values else tables.note("No values."),
        ],
        [
            tables.heading("Filled in, by day", "Of the results that are JSON."),
            charts.rate_by_day(daily, "results with the field"),
        ],
    )
