"""Group commit: deliveries that arrive during a commit share the next one, and its sync."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from fluents_connector.buffer import Buffer, Receipt
from fluents_connector.delivery import Delivery

MOST = 500  # deliveries in a commit, so that the first of a crowd does not wait for all

Waiting = tuple[Delivery, asyncio.Future[Receipt]]
"""A delivery, and what its request waits for."""


class GroupCommit:
    """Appends to `buffer` in one thread, for the event loop that calls it.

    A delivery that waits holds no thread: tens of threads that wait for one commit would wake one
    by one, which costs more than the commit.
    """

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commits")
        self._waiting: deque[Waiting] = deque()
        self._is_committing = False

    def append(self, delivery: Delivery) -> asyncio.Future[Receipt]:
        """The receipt of `delivery` once it is durable, or the error that kept it out."""
        loop = asyncio.get_running_loop()
        receipt: asyncio.Future[Receipt] = loop.create_future()
        self._waiting.append((delivery, receipt))
        if not self._is_committing:
            self._is_committing = True
            self._thread.submit(self._commit, loop)
        return receipt

    def _commit(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stores what waits when the buffer asks for it. In the thread."""
        group: list[Waiting] = []
        try:
            receipts = self._buffer.append_all(self._taken(group))
        except Exception as error:
            # Nothing of the group was stored: each of its requests must be told so.
            outcome: list[Receipt] | Exception = error
            if not group:  # the buffer asked for none: it was another's turn for too long, or full
                deque(self._taken(group), maxlen=0)
        else:
            outcome = receipts
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(self._answer, loop, group, outcome)

    def _taken(self, group: list[Waiting]) -> Iterator[Delivery]:
        """The deliveries that wait, at most `MOST`; each is put into `group`."""
        while self._waiting and len(group) < MOST:
            group.append(self._waiting.popleft())
            yield group[-1][0]

    def _answer(
        self,
        loop: asyncio.AbstractEventLoop,
        group: list[Waiting],
        outcome: list[Receipt] | Exception,
    ) -> None:
        """Tells each request of a group how its commit ended. On the event loop."""
        if self._waiting:
            self._thread.submit(self._commit, loop)
        else:
            self._is_committing = False
        for index, (_, waiting) in enumerate(group):
            if waiting.done():
                continue  # the server has given the request up, but the delivery may be stored
            if isinstance(outcome, Exception):
                waiting.set_exception(outcome)
            else:
                waiting.set_result(outcome[index])
