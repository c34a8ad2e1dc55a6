"""The figures of the overview: what is counted, of which calls, by which denominator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import NamedTuple

from tests.second_count.calls import Call
from tests.second_count.events import Event

HOUR = 3_600_000_000


class Figure(NamedTuple):
    """A figure of some calls; its denominator is None for what is a sum by itself."""

    numerator: float | None
    denominator: int | None = None

    @property
    def value(self) -> float | None:
        if self.denominator is None or self.numerator is None:
            return self.numerator
        return self.numerator / self.denominator if self.denominator else None


def headline(calls: list[Call]) -> dict[str, Figure]:
    """The headline figures of these calls."""
    connected = [call for call in calls if call.is_connected]
    human = [call for call in calls if call.outcome == "human"]
    timed = [call.duration for call in calls if call.duration is not None]
    refused = [call for call in calls if call.outcome == "did_not_connect"]
    no_human = [call for call in calls if call.outcome == "no_human"]
    return {
        "calls": Figure(len(calls)),
        "connection_rate": Figure(len(connected), len(connected) + len(refused)),
        "human_rate_of_connected": Figure(len(human), len(human) + len(no_human)),
        "engaged_rate": Figure(
            sum(call.is_engaged for call in human),
            sum(call.human_turns is not None for call in human),
        ),
        "transfer_rate": Figure(sum(call.has_transfer for call in connected), len(connected)),
        "error_call_rate": Figure(sum(call.has_error for call in calls), len(calls)),
        "mean_duration_seconds": Figure(total(timed), len(timed)),
        "talk_minutes": Figure(minutes(timed)),
        "cost": Figure(total(call.cost for call in calls if call.cost is not None)),
    }


def total(numbers: Iterable[float]) -> float | None:
    """Their sum; None of none, as nothing is known then."""
    numbers = list(numbers)
    return sum(numbers) if numbers else None


def minutes(seconds: Iterable[float]) -> float | None:
    """Their sum in minutes; None of none."""
    found = total(seconds)
    return None if found is None else found / 60


def talk(calls: list[Call]) -> dict[str, float | None]:
    """Minutes stated, and minutes between the receipts; calls whose minutes are not known."""
    timed = [call for call in calls if call.duration is not None]
    return {
        "connected_count": sum(call.is_connected for call in calls),
        "untimed_connected_count": sum(
            call.is_connected and call.duration is None for call in calls
        ),
        "timed_call_count": len(timed),
        "talk_minutes": minutes(call.duration or 0 for call in timed),
        "stated_minutes": minutes(call.duration or 0 for call in timed if call.is_stated),
        "receipt_minutes": minutes(call.duration or 0 for call in timed if not call.is_stated),
        "priced_call_count": sum(call.cost is not None for call in calls),
        "cost": headline(calls)["cost"].value,
    }


def funnel(calls: list[Call]) -> dict[str, tuple[int, int, float | None, float | None]]:
    """For each stage the calls that reached it and all before, those of which nothing says whether
    they did, and the share of the stage before and of all, without the unknown ones."""
    stages: dict[str, Callable[[Call], bool | None]] = {
        "attempted": lambda call: True,
        "connected": lambda call: None if call.outcome == "unknown" else call.is_connected,
        "human": lambda call: None if call.outcome == "connected" else call.outcome == "human",
        "engaged": lambda call: None if call.human_turns is None else call.is_engaged,
        "post_call_done": lambda call: call.has_result,
    }
    found, left, known = {}, calls, len(calls)
    for stage, reached in stages.items():
        unknown = sum(reached(call) is None for call in left)
        candidates, known = len(left) - unknown, known - unknown
        left = [call for call in left if reached(call)]
        found[stage] = (
            len(left),
            unknown,
            len(left) / candidates if candidates else None,
            len(left) / known if known else None,
        )
    return found


def answers(calls: list[Call]) -> tuple[int, int, int, int, float | None]:
    """Calls, those by a human, by a machine, not connected; the share of humans of these three."""
    of = Counter(call.outcome for call in calls)
    known = of["human"] + of["no_human"] + of["did_not_connect"]
    rate = of["human"] / known if known else None
    return len(calls), of["human"], of["no_human"], of["did_not_connect"], rate


def durations(calls: list[Call]) -> tuple[int, int, float | None, float | None, float | None]:
    """Calls with a duration, those of them that are stated; mean, median and 95th percentile."""
    timed = sorted(call.duration for call in calls if call.duration is not None)
    stated = sum(call.is_stated for call in calls)
    mean = sum(timed) / len(timed) if timed else None
    return len(timed), stated, mean, percentile(timed, 0.5), percentile(timed, 0.95)


def percentile(ordered: list[float], share: float) -> float | None:
    """The value at `share` of the way from the least to the most, between two their mixture."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def reasons(calls: list[Call]) -> Counter[str]:
    """Calls that did not connect, by the reason."""
    return Counter(call.reason or "unknown" for call in calls if call.outcome == "did_not_connect")


def deliveries(events: list[Event]) -> dict[tuple[int, str], tuple[int, int]]:
    """Events and duplicates by the hour of receipt, in hours since 1970, and the webhook."""
    found: dict[tuple[int, str], tuple[int, int]] = {}
    for event in events:
        cell = event.received_at // HOUR, event.webhook
        told, repeated = found.get(cell, (0, 0))
        is_repeat = event.duplicate_of is not None
        found[cell] = told + (not is_repeat), repeated + is_repeat
    return found


class Span(NamedTuple):
    """Days, the last included, and as many days before; None where the warehouse is younger."""

    begins_on: date
    ends_on: date
    now: dict[str, Figure]
    before: dict[str, Figure] | None


def compared(calls: list[Call], days: int) -> Span:
    """The last `days` whole days beside as many before; the day of the newest call is not whole."""
    end = max(call.day for call in calls) - timedelta(days=1)
    begin = end - timedelta(days=days - 1)
    earlier = begin - timedelta(days=days)
    known = min(call.day for call in calls) <= earlier
    return Span(
        begin,
        end,
        headline([call for call in calls if begin <= call.day <= end]),
        headline([call for call in calls if earlier <= call.day < begin]) if known else None,
    )
