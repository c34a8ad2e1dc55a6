"""What a visitor chose, as the query of a URL says it: so a link shows what its sender saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

SPANS = {
    "today": "Today",
    "7d": "7 days",
    "28d": "28 days",
    "month": "This month",
    "all": "All",
}
DEFAULT_SPAN = "7d"
DIRECTIONS = ("outbound", "inbound", "unknown")
NAMES = ("span", "from", "to", "webhook", "agent", "direction")
MOST_LETTERS = 500


class WrongFilter(Exception):
    """The query of a URL asks for what there is not; the text says what to write."""


@dataclass(frozen=True)
class Extent:
    """What there is to choose from. The days are None in an empty warehouse."""

    first_day: date | None
    last_day: date | None
    webhooks: tuple[str, ...]
    agents: tuple[str, ...]


@dataclass(frozen=True)
class Filters:
    """The calls that all pages show: of the days from `from_day` to `until_day`, both included.

    `span` is one of `SPANS`, or empty for days that were written out.
    """

    span: str
    from_day: date
    until_day: date
    webhook: str | None = None
    agent: str | None = None
    direction: str | None = None

    @classmethod
    def of(cls, asked: Mapping[str, str], today: date, extent: Extent) -> Filters:
        """The filters of a query. Raises `WrongFilter`."""
        direction = asked.get("direction") or None
        if direction not in (None, *DIRECTIONS):
            raise WrongFilter(f"A direction is one of {', '.join(DIRECTIONS)}.")
        agent, webhook = asked.get("agent") or None, asked.get("webhook") or None
        span = asked.get("span") or ("" if asked.get("from") or asked.get("to") else DEFAULT_SPAN)
        if span and span not in SPANS:
            raise WrongFilter(f"A span is one of {', '.join(SPANS)}; or give from and to as days.")
        if asked.get("from") or asked.get("to"):
            last = _day(asked.get("to"), "to") or today
            first = _day(asked.get("from"), "from") or extent.first_day or last
            if first > last:
                raise WrongFilter(f"The first day, {first}, is after the last, {last}.")
            # a form sends both, and the days count where they were changed
            if not span or (first, last) != days_of(span, today, extent):
                return cls("", first, last, webhook, agent, direction)
        first, last = days_of(span, today, extent)
        return cls(span, first, last, webhook, agent, direction)

    @property
    def day_count(self) -> int:
        """How many days are chosen."""
        return (self.until_day - self.from_day).days + 1

    @property
    def before(self) -> Filters:
        """The same calls of as many days before."""
        first = self.from_day - timedelta(days=self.day_count)
        return replace(self, span="", from_day=first, until_day=self.from_day - timedelta(days=1))

    def parameters(self) -> dict[str, Any]:
        """What the queries take."""
        return {
            "from_day": self.from_day,
            "until_day": self.until_day,
            "before_day": self.before.from_day,
            "webhook": self.webhook,
            "agent": self.agent,
            "direction": self.direction,
        }

    def query(self, **changes: str | None) -> dict[str, str]:
        """The query of a URL that asks for the same, but for `changes`."""
        days = (
            {"span": "" if self.span == DEFAULT_SPAN else self.span}
            if self.span
            else {"from": str(self.from_day), "to": str(self.until_day)}
        )
        if "span" in changes:
            days = {}
        own = {
            **days,
            "webhook": self.webhook,
            "agent": self.agent,
            "direction": self.direction,
        }
        return {name: value for name, value in {**own, **changes}.items() if value}


def days_of(span: str, today: date, extent: Extent) -> tuple[date, date]:
    """The first and the last day of one of `SPANS`."""
    if span == "all":
        return extent.first_day or today, extent.last_day or today
    lengths = {"today": 1, "7d": 7, "28d": 28}
    if span == "month":
        return today.replace(day=1), today
    return today - timedelta(days=lengths[span] - 1), today


def _day(text: str | None, name: str) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        shown = text[:40]
        raise WrongFilter(f"{shown!r} is no day for {name!r}; write it as 2026-01-31.") from None
    if not 1970 <= day.year <= 2200:
        raise WrongFilter(f"{day} is no day of calls; write one from 1970 to 2200.")
    return day
