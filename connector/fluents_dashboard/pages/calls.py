"""Calls: the list, filtered and sorted over all rows; each row leads to its call."""

from __future__ import annotations

from typing import Any

from flask import Response

from fluents_dashboard import formats, words
from fluents_dashboard.filters import MOST_LETTERS, WrongFilter
from fluents_dashboard.page import Context, Page, Visit

PAGE_ROWS = 50
SORTS = {
    "began": "Began",
    "contact": "Contact",
    "outcome": "Outcome",
    "duration": "Duration",
    "turns": "Human turns",
    "agent": "Agent",
    "direction": "Direction",
    "result": "Result",
    "cost": "Cost",
    "errors": "Errors",
}
HAVING = {
    "error": "an error",
    "recording": "a recording",
    "result": "a post-call result",
    "transcript": "a transcript",
    "transfer": "a transfer",
}
NAMES = ("outcome", "min", "max", "with", "field", "value", "q", "sort", "order", "page")
MOST_SECONDS = 10_000_000


def show(visit: Visit) -> Context:
    """One page of the list."""
    asked = parameters(visit)
    found = visit.row("call_count", **asked)["call_count"]
    page_count = max(1, -(-found // PAGE_ROWS))
    page = min(asked["page"], page_count)
    rows = visit.rows("call_page", **asked, rows=PAGE_ROWS, skip=(page - 1) * PAGE_ROWS)
    kept = {name: visit.asked[name] for name in NAMES if name in visit.asked}
    return {
        "found": found,
        "page_number": page,
        "page_count": page_count,
        "calls": [
            {
                **row,
                "summary": summary(row["result"], row["result_json"]),
                "link": visit.link("call", id=row["call_id"]),
            }
            for row in rows
        ],
        "shows": {
            "agent": any(row["agent"] != "unknown" for row in rows),
            "cost": any(row["cost"] is not None for row in rows),
            "result": any(row["result"] for row in rows),
        },
        "kept": kept,
        "sort": asked["sort"],
        "is_descending": asked["is_descending"],
        "sorts": SORTS,
        "sort_link": lambda name: visit.link(
            "calls", **{**kept, "sort": name, "order": _next_order(name, asked), "page": None}
        ),
        "page_link": lambda number: visit.link("calls", **{**kept, "page": number}),
        "csv": visit.link("calls.csv", **{**kept, "page": None}),
        "having": HAVING,
        "outcomes": words.OUTCOMES,
    }


def download(visit: Visit) -> Response:
    """All calls of the list, in its order."""
    return visit.csv("call_page", "calls", **parameters(visit), rows=None, skip=0)


def parameters(visit: Visit) -> dict[str, Any]:
    """What the list's queries take beside the filters of all pages. Raises `WrongFilter`."""
    asked = visit.asked
    sort = asked.get("sort", "began")
    if sort not in SORTS:
        raise WrongFilter(f"The list is sorted by one of {', '.join(SORTS)}.")
    order = asked.get("order", "desc")
    if order not in ("asc", "desc"):
        raise WrongFilter("An order is asc or desc.")
    outcome = asked.get("outcome")
    if outcome is not None and outcome not in words.OUTCOMES:
        raise WrongFilter(f"An outcome is one of {', '.join(words.OUTCOMES)}.")
    having = asked.get("with")
    if having is not None and having not in HAVING:
        raise WrongFilter(f"What a call has is one of {', '.join(HAVING)}.")
    least, most = _seconds(asked.get("min"), "min"), _seconds(asked.get("max"), "max")
    if least is not None and most is not None and least >= most:
        raise WrongFilter("No call is that long: min must be less than max.")
    if any(len(asked.get(name, "")) > MOST_LETTERS for name in ("q", "field", "value")):
        raise WrongFilter(f"Look for {MOST_LETTERS} letters at most.")
    return {
        "outcome": outcome,
        "min_seconds": least,
        "max_seconds": most,
        "having": having,
        "path": asked.get("field"),
        "value": asked.get("value"),
        "search": asked.get("q", "").strip() or None,
        "sort": sort,
        "is_descending": order == "desc",
        "page": _page(asked.get("page")),
    }


def summary(text: str | None, result: str | None) -> str:
    """A post-call result on one line: the fields of its JSON, or its text."""
    if not text:
        return ""
    parsed = formats.parsed_json(result)
    if isinstance(parsed, dict):
        fields = [
            f"{words.readable(name)}: {words.readable(formats.plain(value))}"
            for name, value in parsed.items()
            if isinstance(value, str | int | float) and value != ""
        ]
        text = " · ".join(fields) or text
    return text if len(text) <= 160 else f"{text[:160]}…"


def _next_order(name: str, asked: dict[str, Any]) -> str | None:
    if name == asked["sort"]:
        return "asc" if asked["is_descending"] else "desc"
    return "asc" if name in ("contact", "outcome", "agent", "direction", "result") else "desc"


def _seconds(text: str | None, name: str) -> float | None:
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        raise WrongFilter(f"{text[:40]!r} is no number of seconds for {name!r}.") from None
    if not 0 <= seconds <= MOST_SECONDS:
        raise WrongFilter(f"{name!r} is from 0 to {MOST_SECONDS:,} seconds.")
    return seconds


def _page(text: str | None) -> int:
    if text is None:
        return 1
    if not text.isdecimal() or len(text) > 9 or int(text) < 1:
        raise WrongFilter(f"{text[:40]!r} is no page; write a number from 1.")
    return int(text)


PAGE = Page(
    "calls",
    "Calls",
    show,
    waits_for="Looking through the calls …",
    check=parameters,
    files={"csv": download},
)
