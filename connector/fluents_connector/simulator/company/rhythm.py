"""When the company's telephones ring: by hour, weekday and week, on a holiday and on a bad day.

It promises that all lines are nearly silent at night, and quiet at weekends and on the holiday.
Hours and days are those of the company's time zone.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

from fluents_connector.simulator.company.agents import TIME_ZONE, Hours

DAYS = 30
ZONE = ZoneInfo(TIME_ZONE)
GROWTH = 0.35  # how much more there is on the last day than on the first

# How busy each hour is: customers call by day, with a dip at lunch; drivers whose parcels nobody
# took call in the morning; campaigns run in two blocks a day.
_HOURS = {
    Hours.CUSTOMERS: (
        *(0.03, 0.02, 0.01, 0.01, 0.02, 0.04, 0.15, 0.9, 3.0, 6.0, 7.2, 6.6),
        *(3.4, 4.4, 6.2, 6.6, 6.0, 4.8, 3.0, 1.8, 1.0, 0.5, 0.15, 0.06),
    ),
    Hours.DRIVERS: (*(0.0,) * 8, 3.0, 6.0, 5.0, 2.0, 0.3, 1.0, 0.5, *(0.0,) * 9),
    Hours.CAMPAIGNS: (*(0.0,) * 10, 6.0, 6.0, 0.0, 0.0, 6.0, 6.0, 4.0, *(0.0,) * 7),
}
# Monday to Sunday. Campaigns leave Friday out.
_WEEKDAYS = {
    Hours.CUSTOMERS: (1.12, 1.04, 1.0, 0.97, 0.88, 0.17, 0.08),
    Hours.DRIVERS: (1.0, 1.0, 1.0, 1.0, 1.0, 0.25, 0.0),
    Hours.CAMPAIGNS: (1.0, 1.1, 1.1, 1.0, 0.0, 0.0, 0.0),
}
_ON_HOLIDAY = 0.06
_BETWEEN_CAMPAIGNS = 0.35  # in every other week, a small one
_INCIDENT_HOURS = range(9, 17)
_MORE_IN_INCIDENT = 2.4  # of customers who call


class Rhythm:
    """The `DAYS` days up to `ends_at`, with a holiday and a day of an incident among them."""

    def __init__(self, ends_at: datetime) -> None:
        self.begins = (ends_at - timedelta(days=DAYS)).timestamp()
        self.ends = ends_at.timestamp()
        last_day = ends_at.astimezone(ZONE).date()
        self.incident = _latest(1, last_day - timedelta(days=4))  # a Tuesday
        self.holiday = _latest(3, last_day - timedelta(days=13))  # a Thursday
        self._slots = list(self._hours())
        self._weights = {
            hours: list(accumulate(self._weight(hours, *slot) for slot in self._slots))
            for hours in Hours
        }

    def begin(self, rng: Random, hours: Hours) -> float:
        """When a call of a line begins, in seconds since 1970."""
        weights = self._weights[hours]
        slot = bisect(weights, rng.random() * weights[-1], hi=len(weights) - 1)
        return rng.uniform(*self._slots[slot])

    def progress(self, at: float) -> float:
        """How much of the month is over: 0 at its begin, 1 at its end and after it."""
        return min(max(0.0, (at - self.begins) / (self.ends - self.begins)), 1.0)

    def in_incident(self, at: float) -> bool:
        """Whether something is broken at a time."""
        local = local_time(at)
        return local.date() == self.incident and local.hour in _INCIDENT_HOURS

    def _hours(self) -> Iterator[tuple[float, float]]:
        """The hours of the clock, the first and the last cut to the month."""
        hour = self.begins - self.begins % 3600
        while hour < self.ends:
            yield max(hour, self.begins), min(hour + 3600, self.ends)
            hour += 3600

    def _weight(self, hours: Hours, begin: float, end: float) -> float:
        local = local_time(begin)
        weight = _HOURS[hours][local.hour] * _WEEKDAYS[hours][local.weekday()] * (end - begin)
        weight *= 1 + GROWTH * self.progress(begin)
        if local.date() == self.holiday:
            weight *= _ON_HOLIDAY
        if hours is Hours.CAMPAIGNS and campaign(begin):
            weight *= _BETWEEN_CAMPAIGNS
        if hours is Hours.CUSTOMERS and self.in_incident(begin):
            weight *= _MORE_IN_INCIDENT
        return weight


def campaign(at: float) -> int:
    """Which of the two campaigns, 0 or 1, runs in the week of a time; each has its own number."""
    return local_time(at).isocalendar().week % 2


def local_time(at: float) -> datetime:
    """A time in seconds since 1970, as the company's clocks show it."""
    return datetime.fromtimestamp(at, UTC).astimezone(ZONE)


def _latest(weekday: int, day: date) -> date:
    """The last such weekday up to a day."""
    return day - timedelta(days=(day.weekday() - weekday) % 7)
