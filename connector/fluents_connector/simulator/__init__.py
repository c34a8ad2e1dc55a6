"""Simulates what Fluents.ai sends: the endless deliveries of a busy voice-agent account.

It promises that the same seed and start give the same bytes; that every body is an event which
a receiver must accept; that a repeat is one of its earlier deliveries again, byte for byte; and
that memory stays bounded however many deliveries are taken. Shapes are those of public
material, names and numbers are invented. How often each thing happens is in `proportions`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from random import Random

from fluents_connector.simulator import proportions
from fluents_connector.simulator.calls import unfold

__all__ = ["STARTED_AT", "SimulatedDelivery", "simulate"]

STARTED_AT = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SimulatedDelivery:
    """What one request brings.

    `body` is the JSON as it goes over the wire. `is_repeat` says that the sender sends an
    earlier delivery again. Two equal bodies that are no repeats are two events: a message or
    an action without a time of its own can happen twice.
    """

    body: bytes
    call_id: str
    type: str
    is_repeat: bool


# Arrival in seconds since 1970, a number that keeps the order where arrivals are equal, the
# delivery, whether it may come again, and whether its call ends with it.
_OnItsWay = tuple[float, int, SimulatedDelivery, bool, bool]


def simulate(*, seed: int = 0, started_at: datetime | None = None) -> Iterator[SimulatedDelivery]:
    """Deliveries without end, in the order in which they arrive; take as many as you need.

    The clock of the calls starts at `started_at` (default `STARTED_AT`). Raises ValueError if
    that has no time zone.
    """
    started_at = STARTED_AT if started_at is None else started_at
    if started_at.utcoffset() is None:
        raise ValueError(f"started_at needs a time zone, as in {started_at.isoformat()}+00:00")
    return _deliveries(Random(seed), started_at.timestamp())  # noqa: S311 - a seed, not a secret


def _deliveries(rng: Random, started_at: float) -> Iterator[SimulatedDelivery]:
    on_their_way: list[_OnItsWay] = []
    order = count()

    def begin_call(at: float) -> None:
        call_id, sent = unfold(rng, at)
        for event in sent:
            delivery = SimulatedDelivery(event.body, call_id, event.type, False)
            is_last = event is sent[-1]
            entry = (event.arrives_at, next(order), delivery, event.may_be_repeated, is_last)
            heapq.heappush(on_their_way, entry)

    for _ in range(proportions.CALLS_UNDER_WAY):
        begin_call(started_at + 10 * rng.uniform(*proportions.NEXT_CALL_WITHIN))
    while True:
        at, _, delivery, may_be_repeated, is_last = heapq.heappop(on_their_way)
        yield delivery
        if is_last:
            begin_call(at + rng.uniform(*proportions.NEXT_CALL_WITHIN))
        share = proportions.REPEATED_AGAIN if delivery.is_repeat else proportions.REPEATED
        if may_be_repeated and rng.random() < share:
            spans, weights = proportions.REPEAT_DELAY_MIX
            delay = rng.uniform(*rng.choices(spans, cum_weights=weights)[0])
            repeat = SimulatedDelivery(delivery.body, delivery.call_id, delivery.type, True)
            heapq.heappush(on_their_way, (at + delay, next(order), repeat, True, False))
