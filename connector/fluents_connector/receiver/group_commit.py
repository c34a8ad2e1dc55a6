"""Answers that wait until their delivery is stored, and hold no thread meanwhile.

A server that can do better than to block puts a function into the environ under `LATER`: it is
called with the delivery, and with what finishes the answer once the delivery is stored, by
`SharedCommits` with many others. Below any other WSGI server a delivery has a commit of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fluents_connector.buffer import Buffer, Receipt
from fluents_connector.delivery import Delivery

LATER = "fluents.later"
MOST = 500  # deliveries in a commit, so that the first of a crowd does not wait for all

Outcome = Receipt | Exception  # of an append
Finish = Callable[[Outcome], Iterable[bytes]]
WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class SharedCommits:
    """Appends what comes in while a commit is under way with the next one, in one thread.

    It belongs to the event loop that calls it.
    """

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commits")
        self._waiting: list[tuple[Delivery, asyncio.Future[Outcome]]] = []
        self._storing: asyncio.Task[None] | None = None

    def append(self, delivery: Delivery) -> asyncio.Future[Outcome]:
        """What will have become of `delivery`, once that is durable; or the error."""
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, outcome))
        if self._storing is None:
            self._storing = asyncio.create_task(self._store())
        return outcome

    async def _store(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            deliveries = [delivery for delivery, _ in group]
            outcomes: list[Outcome]
            try:
                outcomes = [
                    *await loop.run_in_executor(self._thread, self._buffer.append_all, deliveries)
                ]
            except Exception as error:
                # Nothing of the group was stored: each of its requests must hear that.
                outcomes = [error] * len(group)
            for (_, waiting), outcome in zip(group, outcomes, strict=True):
                if not waiting.done():  # it is, where the server has given the request up
                    waiting.set_result(outcome)
        self._storing = None
