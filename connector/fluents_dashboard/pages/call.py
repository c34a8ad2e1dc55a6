"""Call: one call, what was said and done in it, and what came of it."""

from __future__ import annotations

import json
from typing import Any

from flask import Response

from fluents_dashboard import formats, words
from fluents_dashboard.page import Context, NotThere, Page, Visit

MOST_ROWS = 500  # of each part: a call has some dozens
MOST_ROWS_OF_A_FILE = 100_000


def show(visit: Visit) -> Context:
    """What is known of the call; what is empty is left out."""
    found = facts(visit)
    asked = {"call_id": found["call_id"], "rows": MOST_ROWS}
    recording = formats.web_address(found["latest_recording_url"])
    return {
        "call": found,
        "title": _title(found),
        "facts": _named(found),
        "recording": recording,
        "recording_text": found["latest_recording_url"] if recording is None else None,
        "turns": visit.rows("call_turns", **asked),
        "timeline": visit.rows("call_timeline", **asked),
        "results": [
            {**row, "fields": fields(row["result_json"]), "text": row["result_text"]}
            for row in visit.rows("call_results", **asked)
        ],
        "actions": [
            {
                **row,
                "input": formats.pretty_json(row["input"]),
                "output": formats.pretty_json(row["output"]),
            }
            for row in visit.rows("call_actions", **asked)
        ],
        "errors": visit.rows("call_errors", **asked),
        "most": MOST_ROWS,
        "as_json": visit.link("call.json", id=found["call_id"]),
        "as_text": visit.link("call.txt", id=found["call_id"]),
        "same_contact": visit.link("calls", span="all", q=found["contact_number"])
        if found["contact_number"]
        else None,
    }


def facts(visit: Visit) -> dict[str, Any]:
    """The row of the call that the URL names. Raises `NotThere`."""
    call_id = visit.asked.get("id")
    if not call_id:
        raise NotThere("The URL names no call: it ends in ?id= and the id of the call.")
    rows = visit.figures.rows("call", call_id=call_id)
    if not rows:
        raise NotThere(
            f"There is no call {call_id[:80]} in the warehouse. It may not be loaded yet."
        )
    return rows[0]


def as_json(visit: Visit) -> Response:
    """The call as one JSON object."""
    found = facts(visit)
    asked = {"call_id": found["call_id"], "rows": MOST_ROWS_OF_A_FILE}
    whole = {
        "time_zone": visit.settings.time_zone,
        "call": {**found, "day": str(found["day"])},
        "turns": visit.rows("call_turns", **asked),
        "timeline": visit.rows("call_timeline", **asked),
        "post_call_results": [
            {**row, "result_json": formats.parsed_json(row["result_json"])}
            for row in visit.rows("call_results", **asked)
        ],
        "actions": visit.rows("call_actions", **asked),
        "errors": visit.rows("call_errors", **asked),
    }
    return Response(
        json.dumps(whole, indent=2, ensure_ascii=False, default=str) + "\n",
        mimetype="application/json",
    )


def as_text(visit: Visit) -> Response:
    """The call as plain text: what is known of it, what was said, and its results."""
    found = facts(visit)
    asked = {"call_id": found["call_id"], "rows": MOST_ROWS_OF_A_FILE}
    lines = [f"Call {found['call_id']}", *(f"{name}: {value}" for name, value in _named(found)), ""]
    for turn in visit.rows("call_turns", **asked):
        at = (
            "" if turn["offset_seconds"] is None else f"[{formats.offset(turn['offset_seconds'])}] "
        )
        lines.append(f"{at}{words.speaker(turn['speaker'])}: {turn['text']}")
    for result in visit.rows("call_results", **asked):
        lines += ["", f"Post-call result, {result['received_at']}", result["result_text"] or ""]
    return Response("\n".join(lines) + "\n", mimetype="text/plain; charset=utf-8")


def fields(result: str | None) -> list[tuple[str, str]]:
    """The fields of a result that is a JSON object, those of objects in it by their names too."""
    parsed = formats.parsed_json(result)
    return list(_flat(parsed, "")) if isinstance(parsed, dict) else []


def _flat(value: dict[str, Any], before: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, inner in value.items():
        if isinstance(inner, dict) and inner and before.count(": ") < 3:
            found += _flat(inner, f"{before}{words.readable(name)}: ")
        elif inner not in (None, "", [], {}):
            found.append((f"{before}{words.readable(name)}", words.readable(formats.plain(inner))))
    return found


def _title(found: dict[str, Any]) -> str:
    kind = {"outbound": "Call to", "inbound": "Call from"}.get(found["direction"] or "", "Call")
    contact = found["contact_number"]
    if kind == "Call":
        return f"Call of {formats.long_day(found['day'])}"
    return f"{kind} {contact or 'a withheld number'}"


def _named(found: dict[str, Any]) -> list[tuple[str, str]]:
    """What is known, with its name; nothing for what is not."""
    outcome = words.outcome(found["outcome"])
    if found["is_outcome_inferred"]:
        outcome += " (by the transcript)"
    seconds = found["duration_seconds"]
    named = {
        "Outcome": outcome,
        "Why": words.said(found["did_not_connect_reason"]),
        "Duration": None
        if seconds is None
        else f"{formats.seconds(seconds)}, {words.said(found['duration_source'])}",
        "Cost": None if found["cost"] is None else f"{found['cost']:,.4g}",
        "Agent": found["agent"],
        "Direction": words.said(found["direction"]),
        "From": found["from_number"],
        "To": found["to_number"],
        "Webhook": found["webhook"],
        "Turns": None
        if found["turn_count"] is None
        else f"{found['turn_count']:,}"
        + ("" if found["human_turn_count"] is None else f", {found['human_turn_count']:,} human"),
        "Transfer": words.said(found["transfer_result"])
        or ("Reported" if found["has_transfer"] else None),
        "First event": found["first_event_at"],
        "Connected": found["connected_at"],
        "Ended": found["ended_at"],
    }
    return [(name, value) for name, value in named.items() if value]


PAGE = Page(
    "call",
    "Call",
    show,
    in_navigation=False,
    has_filters=False,
    files={"json": as_json, "txt": as_text},
)
