"""Numbers and times as a person reads them. What is not known is a dash, and never zero."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

UNKNOWN = "—"


def number(value: float | None) -> str:
    """With commas; a fraction with one digit."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:,.1f}"


def per_cent(part: float | None, whole: float | None) -> str:
    """Whole per cent; what is neither none nor all is not shown as 0% or 100%."""
    if not whole or part is None:
        return UNKNOWN
    rate = part / whole
    if 0 < rate < 0.01:
        return "under 1%"
    if 0.99 < rate < 1:
        return "over 99%"
    return f"{rate:.0%}"


def share(part: int | None, whole: int | None) -> str:
    """`part` of `whole` in per cent, with both numbers."""
    if not whole or part is None:
        return f"{UNKNOWN} (of 0)"
    return f"{per_cent(part, whole)} ({part:,} of {whole:,})"


def seconds(value: float | None) -> str:
    """A duration with its unit: `4.2 s`, `48 s`, `3:05 min`, `1:02 h`."""
    if value is None:
        return UNKNOWN
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    if whole < 172_800:
        return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
    return f"{whole // 86_400:,} days"


def offset(value: float) -> str:
    """A place in a recording: `1:07`."""
    whole = int(value)
    return f"{whole // 60}:{whole % 60:02d}"


def day(value: date | str) -> str:
    """`Mon 5 Jan`."""
    value = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{value:%a} {value.day} {value:%b}"


def long_day(value: date) -> str:
    """`5 Jan 2026`."""
    return f"{value.day} {value:%b %Y}"


def short_day(value: date) -> str:
    """`5 Jan`."""
    return f"{value.day} {value:%b}"


def ago(value: datetime, now: datetime) -> str:
    """How long before `now`, in the largest unit that fits."""
    passed = max(0, int((now - value).total_seconds()))
    for limit, divisor, unit in ((120, 1, "second"), (7200, 60, "minute"), (172_800, 3600, "hour")):
        if passed < limit:
            count = passed // divisor
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return f"{passed // 86_400:,} days ago"


def pretty_json(value: str | None) -> str:
    """JSON with indents; other text as it is."""
    parsed = parsed_json(value)
    return (value or "") if parsed is None else json.dumps(parsed, indent=2, ensure_ascii=False)


def parsed_json(value: str | None) -> Any:
    """What JSON says; None for other text."""
    try:
        return json.loads(value or "null")
    except (ValueError, RecursionError):
        return None


def plain(value: Any) -> str:
    """Any value of a post-call result or of an action, on one line."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:,g}"
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(plain(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def web_address(url: str | None) -> str | None:
    """The URL, if a browser may follow it: http or https alone."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None
