"""The company's calls: each is made by its number and the seed alone, and they overlap in time.

Memory holds a place for each call of the month, and the deliveries of those that are under way.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from random import Random
from typing import NamedTuple

from fluents_connector.simulator import proportions
from fluents_connector.simulator.calls import Call, Sent, Shapes, unfold
from fluents_connector.simulator.company.agents import LINES, Agent, Line, customer_number
from fluents_connector.simulator.company.findings import Situation
from fluents_connector.simulator.company.rhythm import Rhythm, campaign
from fluents_connector.simulator.payloads import pick
from fluents_connector.simulator.proportions import mix
from fluents_connector.simulator.transcripts import Style

EVENTS_PER_CALL = 6.7  # about, for how many customers there are
_LINE_MIX = mix({index: line.share for index, line in enumerate(LINES)})
_FORM_MIX = mix({"plain": 0.5, "timed": 0.5})
_REGULARS = 1.8  # a power: the higher, the more of the calls are of the same few customers
_CALLS_OF_A_CUSTOMER = 1.7
_MAIN_NUMBER = 0.7
_WITHHELD = 0.04  # of callers
_IN_INCIDENT = {"error": 0.35, "broken": 0.07}
_CUT_SHORT = 0.012  # of bodies while something is broken: refused, and then sent whole
_SENT_AGAIN_AFTER = 1.5  # seconds; less than a call rings at least, so no body is before its call


class TimedDelivery(NamedTuple):
    """A body, when it arrives in seconds since 1970, and the label of the webhook that gets it."""

    at: float
    webhook: str
    call_id: str
    body: bytes


class Company:
    """The calls of a month up to `ends_at`, with `events` deliveries until then, and those after.

    Raises ValueError if `ends_at` has no time zone.
    """

    def __init__(self, events: int, *, seed: int, ends_at: datetime) -> None:
        if ends_at.utcoffset() is None:
            raise ValueError(f"ends_at needs a time zone, as in {ends_at.isoformat()}+00:00")
        self._seed = seed
        self._rhythm = Rhythm(ends_at)
        self._customers = max(4, round(events / EVENTS_PER_CALL / _CALLS_OF_A_CUSTOMER))
        self._next_number = 0
        self._cut_off = 0  # deliveries of the last call, which would be more than `events`
        self._begins = sorted(self._drawn(events))
        self.under_way: list[TimedDelivery] = []
        """What calls of the month will still send after its end; known once the month is over."""

    def month(self) -> Iterator[TimedDelivery]:
        """The deliveries until the end, in the order in which they arrive."""
        on_their_way: list[tuple[float, int, int, TimedDelivery]] = []
        for begin, number in self._begins:
            while on_their_way and on_their_way[0][0] < begin:
                yield heapq.heappop(on_their_way)[-1]
            deliveries = self._deliveries(number)
            if number == self._next_number - 1:
                deliveries = self._without_cut_off(deliveries)
            for place, one in enumerate(deliveries):
                heapq.heappush(on_their_way, (one.at, number, place, one))
        while on_their_way and on_their_way[0][0] <= self._rhythm.ends:
            yield heapq.heappop(on_their_way)[-1]
        self.under_way = [entry[-1] for entry in sorted(on_their_way)]

    def call_at(self, at: float) -> list[TimedDelivery]:
        """The deliveries of one more call, which begins at a time after the month."""
        self._next_number += 1
        return self._deliveries(self._next_number - 1, at)

    def _drawn(self, events: int) -> Iterator[tuple[float, int]]:
        """When each call begins, and its number: so many that `events` deliveries come of them."""
        while events > 0:
            deliveries = self._deliveries(self._next_number)
            until_end = sum(one.at <= self._rhythm.ends for one in deliveries)
            if until_end:
                yield self._begin(self._next_number)[2], self._next_number
            self._cut_off = max(0, until_end - events)
            events -= until_end
            self._next_number += 1

    def _without_cut_off(self, deliveries: list[TimedDelivery]) -> list[TimedDelivery]:
        until_end = [one for one in deliveries if one.at <= self._rhythm.ends]
        return until_end[: len(until_end) - self._cut_off] if self._cut_off else deliveries

    def _begin(self, number: int) -> tuple[Random, Line, float]:
        rng = Random(f"{self._seed} {number}")  # noqa: S311 - a seed, not a secret
        line = LINES[rng.choices(_LINE_MIX[0], cum_weights=_LINE_MIX[1])[0]]
        return rng, line, self._rhythm.begin(rng, line.hours)

    def _deliveries(self, number: int, at: float | None = None) -> list[TimedDelivery]:
        """What a call brings, in the order of arrival: its events, repeats and broken bodies."""
        rng, line, begin = self._begin(number)
        begin = begin if at is None else at
        in_incident = self._rhythm.in_incident(begin)
        call_id, sent = unfold(rng, begin, self._call(rng, line, begin, in_incident))
        webhook = line.agent.webhook
        deliveries = [TimedDelivery(one.arrives_at, webhook, call_id, one.body) for one in sent]
        for event in sent:
            deliveries += _repeats(rng, event, webhook, call_id)
            if in_incident and rng.random() < _CUT_SHORT:
                cut_at = event.arrives_at - _SENT_AGAIN_AFTER
                cut = event.body[: rng.randrange(1, len(event.body) // 2)]
                deliveries.append(TimedDelivery(cut_at, webhook, call_id, cut))
        return sorted(deliveries)

    def _call(self, rng: Random, line: Line, begin: float, in_incident: bool) -> Call:
        situation = Situation(self._rhythm.progress(begin), in_incident)
        numbers = _own_number(rng, line.agent, begin), self._customer(rng, line)
        style = Style(pick(rng, _FORM_MIX), "header", " ")
        return Call(
            line.agent.business,
            line.is_outgoing,
            numbers=numbers,
            shapes=Shapes("float", "input and output", style),
            reports_messages=line.agent.reports_messages,
            analysis=situation.analyse,
            **(_IN_INCIDENT if in_incident else {}),
        )

    def _customer(self, rng: Random, line: Line) -> str | None:
        """Campaigns go through the list again and again; of those who call, some call often."""
        if line.is_outgoing:
            return customer_number(rng.randrange(self._customers))
        if rng.random() < _WITHHELD:
            return None
        return customer_number(int(self._customers * rng.random() ** _REGULARS))


def _own_number(rng: Random, agent: Agent, begin: float) -> str:
    if agent.webhook == "sales":
        return agent.numbers[campaign(begin)]
    return agent.numbers[0] if rng.random() < _MAIN_NUMBER else agent.numbers[-1]


def _repeats(rng: Random, event: Sent, webhook: str, call_id: str) -> Iterator[TimedDelivery]:
    """An event once more, byte for byte, seldom twice."""
    at, share = event.arrives_at, proportions.REPEATED
    while event.may_be_repeated and rng.random() < share:
        spans, weights = proportions.REPEAT_DELAY_MIX
        at += rng.uniform(*rng.choices(spans, cum_weights=weights)[0])
        share = proportions.REPEATED_AGAIN
        yield TimedDelivery(at, webhook, call_id, event.body)
