"""Group commit: deliveries that arrive during a commit share the next one, and its sync."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from fluents_connector.buffer import Buffer, Receipt
from fluents_connector.delivery import Delivery

MOST = 500  # deliveries in a commit, so that the first of a crowd does not wait for all


class GroupCommit:
    """Appends to `buffer` in one thread, for the event loop that calls it.

    A delivery that waits holds no thread: tens of threads that wait for one commit would wake one
    by one, which costs more than the commit.
    """

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commits")
        self._waiting: list[tuple[Delivery, asyncio.Future[Receipt]]] = []
        self._committing: asyncio.Task[None] | None = None

    def append(self, delivery: Delivery) -> asyncio.Future[Receipt]:
        """The receipt of `delivery` once it is durable, or the error that kept it out."""
        receipt: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, receipt))
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit())
        return receipt

    async def _commit(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            deliveries = [delivery for delivery, _ in group]
            # done already: the server has given the request up, but the delivery is stored
            try:
                receipts = await loop.run_in_executor(
                    self._thread, self._buffer.append_all, deliveries
                )
            except Exception as error:
                # Nothing of the group was stored: each of its requests must be told so.
                for _, waiting in group:
                    if not waiting.done():
                        waiting.set_exception(error)
            else:
                for (_, waiting), receipt in zip(group, receipts, strict=True):
                    if not waiting.done():
                        waiting.set_result(receipt)
        self._committing = None
