"""One call of the explorer."""

from __future__ import annotations

import marimo as mo

from dashboard_parts import tables
from dashboard_parts.snapshot import Snapshot

MOST_ROWS = 500  # of each part: a call has some dozens


def call(snapshot: Snapshot, call_id: str) -> mo.Html:
    """One call: what is known of it, its transcript, timeline, result, actions and errors."""
    asked = {"call_id": call_id, "rows": MOST_ROWS}
    about = snapshot.rows("call", **asked)
    if not about:
        return tables.note("The call is not in the warehouse any more.")
    return mo.vstack(
        [
            tables.heading(f"Call {call_id}"),
            tables.facts({name: about[0][name] for name in about[0] if name != "call_id"}),
            tables.columns(
                [
                    tables.heading(
                        "Transcript",
                        "Offsets are from the start of the call. What is in doubt, two transcripts "
                        "say differently.",
                    ),
                    tables.turns(snapshot.rows("call_turns", **asked)),
                ],
                [
                    tables.heading(
                        "Timeline",
                        f"By time of receipt (UTC). Each part shows {MOST_ROWS} rows at most.",
                    ),
                    tables.table(
                        snapshot.rows("call_timeline", **asked),
                        {
                            "received_at": "Received",
                            "after_seconds": "After (s)",
                            "type": "Event",
                            "detail": "",
                        },
                        "No event.",
                    ),
                ],
            ),
            tables.heading("Post-call result"),
            tables.blocks(
                snapshot.rows("call_results", **asked),
                "received_at",
                "result",
                "No post-call result was delivered for this call.",
            ),
            tables.heading("Actions"),
            tables.table(
                snapshot.rows("call_actions", **asked),
                {
                    "received_at": "Received (UTC)",
                    "action_type": "Action",
                    "action_name": "Name",
                    "phase": "Phase",
                    "is_success": "Succeeded",
                    "error": "Error",
                    "input": "Input",
                    "output": "Output",
                },
                "No action was reported for this call.",
            ),
            tables.heading("Errors"),
            tables.table(
                snapshot.rows("call_errors", **asked),
                {"received_at": "Received (UTC)", "code": "Code", "message": "Message"},
                "No error was reported for this call.",
            ),
        ]
    )
