"""The row of an alert as a sentence, as JSON, and what tells it from other rows."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fluents_connector.errors import ModelError
from fluents_connector.printing import printable
from fluents_pipelines.alerts.files import Alert

LONGEST = 500  # characters of a value in a sentence: a row may hold a whole conversation
_COLUMN = re.compile(r"\{(\w+)\}")


def sentence(alert: Alert, values: Mapping[str, Any], time_zone: str) -> str:
    """What the alert `says` of a row, on one line.

    A `…_rate` is shown in per cent, a duration in words, a time in `time_zone`. Raises `ModelError`
    where it names what is no column.
    """

    def shown(found: re.Match[str]) -> str:
        name = found[1]
        if name not in values:
            raise ModelError(f"{alert.file.path}:1: `says` names {{{name}}}, which is no column.")
        value = values[name]
        text = _percent(value) if "_rate" in name else None
        text = printable(text or in_words(value, time_zone))
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"

    return _COLUMN.sub(shown, printable(alert.says)).strip()


def key_of(alert: Alert, values: Mapping[str, Any]) -> str:
    """A text that is the same for the same finding, whatever else of its row changes.

    Raises `ModelError` where `key` names what is no column.
    """
    for name in alert.key:
        if name not in values:
            raise ModelError(f"{alert.file.path}:1: `key` names {name}, which is no column.")
    parts = {name: values[name] for name in alert.key or values}
    text = json.dumps([alert.name, parts], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def in_words(value: Any, time_zone: str) -> str:
    """A value of DuckDB for a person."""
    match value:
        case None:
            return "unknown"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float() | Decimal():
            return f"{value:,.0f}" if value == int_or_none(value) else f"{value:.3g}"
        case datetime():
            local = value.astimezone(ZoneInfo(time_zone)) if value.tzinfo else value
            return f"{local:%Y-%m-%d %H:%M}{f' {time_zone}' if value.tzinfo else ''}"
        case timedelta():
            return _duration(value)
    return str(value)


def as_json(value: Any) -> Any:
    """A value of DuckDB as JSON has it."""
    match value:
        case None | bool() | int() | str():
            return value
        case float() | Decimal():
            return float(value) if math.isfinite(value) else None
        case datetime():
            return value.astimezone(UTC).isoformat() if value.tzinfo else value.isoformat()
        case date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case dict():
            return {str(name): as_json(part) for name, part in value.items()}
        case list() | tuple():
            return [as_json(part) for part in value]
    return str(value)


def int_or_none(value: float | Decimal) -> int | None:
    """The value as a whole number, where it is finite."""
    return int(value) if math.isfinite(value) else None


def _percent(value: Any) -> str | None:
    if isinstance(value, float | Decimal) and math.isfinite(value):
        return f"{value * 100:.1f} %".replace(".0 %", " %")
    return None


def _duration(value: timedelta) -> str:
    minutes = int(value.total_seconds() // 60)
    days, hours = divmod(minutes // 60, 24)
    if days >= 2:
        return f"{days} days {hours} h" if hours else f"{days} days"
    if minutes >= 120:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{minutes} min" if minutes else f"{value.total_seconds():.0f} s"
