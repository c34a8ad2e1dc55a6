"""Posts the calls of the demo: a month at once, and then at a human pace."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from random import Random
from zlib import crc32

from fluents_connector.receiver.told_time import TIME_HEADER
from fluents_connector.sender import Post, SendResult, send_all
from fluents_connector.simulator.company import Company, TimedDelivery

MONTH_CONNECTIONS = 32  # so many deliveries share a commit, and its sync
CALL_SECONDS = 4.0  # between the begins of two calls, on average
MINUTE = 60.0
LONGEST_WAIT = 0.2  # seconds, after which it looks at its processes

Urls = dict[str, str]


def post_month(
    deliveries: Iterable[TimedDelivery], urls: Urls, progress: Callable[[int], None]
) -> SendResult:
    """Posts deliveries as fast as they are taken, each with the time at which it arrived."""
    posts = (_post(one, urls, is_told=True) for one in deliveries)
    return send_all(posts, connections=MONTH_CONNECTIONS, progress=progress)


def _post(one: TimedDelivery, urls: Urls, *, is_told: bool) -> Post:
    headers = {TIME_HEADER: str(int(one.at * 1_000_000))} if is_told else {}
    # what a call brings keeps its order, so that a repeat comes after what it repeats
    return Post(urls[one.webhook], one.body, headers, crc32(one.call_id.encode()))


class Live:
    """Calls that begin every few seconds from now on, whose events come at their real intervals."""

    def __init__(self, company: Company, urls: Urls, seed: int) -> None:
        self._company = company
        self._urls = urls
        self._rng = Random(seed)  # noqa: S311 - a seed, not a secret
        self._on_their_way = [(one.at, place, one) for place, one in enumerate(company.under_way)]
        heapq.heapify(self._on_their_way)
        self._pushed = len(self._on_their_way)
        self.calls = 0
        self.sent = 0

    def run(
        self,
        stop: threading.Event,
        seconds: float | None,
        require: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        """Goes on until `stop` is set, or for so many seconds; says each minute what was sent.

        `require` raises where it makes no sense to go on.
        """
        begin = time.time()
        ends = float("inf") if seconds is None else begin + seconds
        next_call, next_line = begin, begin + MINUTE
        calls, sent = 0, 0
        while (now := time.time()) < ends and not stop.is_set():
            require()
            if now >= next_call:
                self._begin_call(now)
                next_call = now + self._rng.expovariate(1 / CALL_SECONDS)
            self._send(now)
            if now >= next_line:
                say(_line(now, self.calls - calls, self.sent - sent))
                calls, sent, next_line = self.calls, self.sent, next_line + MINUTE
            due = self._on_their_way[0][0] if self._on_their_way else next_call
            stop.wait(max(0.0, min(due, next_call, now + LONGEST_WAIT) - time.time()))

    def _begin_call(self, now: float) -> None:
        self.calls += 1
        for one in self._company.call_at(now):
            self._pushed += 1
            heapq.heappush(self._on_their_way, (one.at, self._pushed, one))

    def _send(self, now: float) -> None:
        due = [_post(one, self._urls, is_told=False) for one in self._due(now)]
        if due:
            self.sent += send_all(due, connections=1).answers.total()

    def _due(self, now: float) -> Iterator[TimedDelivery]:
        while self._on_their_way and self._on_their_way[0][0] <= now:
            yield heapq.heappop(self._on_their_way)[-1]


def _line(now: float, calls: int, sent: int) -> str:
    clock = time.strftime("%H:%M", time.localtime(now))
    return f"{clock}  {calls:,} calls began, {sent:,} events were sent"
