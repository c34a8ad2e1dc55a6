"""Work on a buffer in Postgres, on connections that may die: tried again as far as that helps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg import Connection

from fluents_connector.buffer.postgres import failures
from fluents_connector.buffer.postgres.address import Address
from fluents_connector.buffer.postgres.durability import NotDurable
from fluents_connector.buffer.postgres.session import Interrupted, Session
from fluents_connector.buffer.protocol import Durability

WRITE_SECONDS = 5.0  # a commit takes milliseconds; a stuck one is given up and tried again
READ_SECONDS = 60.0
PAUSE_SECONDS = 0.2  # between two attempts

T = TypeVar("T")


@dataclass(slots=True)
class Attempts:
    """What is known of earlier attempts at one append."""

    in_doubt: bool = False
    after: int = 0
    """The last position before what the latest attempt stored, if it did."""


class Work:
    """One connection to write and one to read at `address`.

    Raises `BufferUnavailable` for all that keeps work from being done.
    """

    def __init__(self, address: Address, *, patience: float, replicas: int) -> None:
        self._address = address
        self._patience = patience
        self._failing_since: float | None = None
        self._writer = Session(address, seconds=WRITE_SECONDS, replicas=replicas)
        self._reader = Session(address, seconds=READ_SECONDS)

    def patiently(self, work: Callable[[Connection[Any]], T], attempts: Attempts) -> T:
        """The result of `work`, which is tried again until `patience` is over.

        Patience begins with an outage and not with a request: those that come later in it need not
        wait for as long again.
        """
        with unavailable_at(self._address):
            while True:
                try:
                    result = self._writer.transaction(work)
                except Interrupted as error:
                    attempts.in_doubt = attempts.in_doubt or error.in_doubt
                    now = time.monotonic()
                    if self._failing_since is None:
                        self._failing_since = now
                    if now + PAUSE_SECONDS >= self._failing_since + self._patience:
                        if attempts.in_doubt:
                            raise failures.unknown(self._address, error.cause) from error
                        raise
                    time.sleep(PAUSE_SECONDS)
                except BaseException:  # the server answers
                    self._failing_since = None
                    raise
                else:
                    self._failing_since = None
                    return result

    def write(self, work: Callable[[Connection[Any]], T]) -> T:
        """The result of `work`, durably: tried twice, unless its outcome is unknown."""
        with unavailable_at(self._address):
            try:
                return self._writer.transaction(work)
            except Interrupted as error:
                if error.in_doubt:
                    raise failures.unknown(self._address, error.cause) from error
            # most likely a connection that has died since it was used last
            return self._writer.transaction(work)

    def read(self, work: Callable[[Connection[Any]], T]) -> T:
        """The result of `work`, which changes nothing: tried twice."""
        with unavailable_at(self._address):
            try:
                return self._reader.read(work)
            except Interrupted:
                return self._reader.read(work)

    def durability(self) -> Durability:
        """What the server's settings make of a commit of the connection that writes."""
        with unavailable_at(self._address):
            return self._writer.durability()

    def close(self) -> None:
        """Gives up both connections."""
        self._writer.close()
        self._reader.close()


@contextmanager
def unavailable_at(address: Address) -> Iterator[None]:
    """Raises `BufferUnavailable` for what psycopg, libpq or the server's settings refuse."""
    try:
        yield
    except Interrupted as error:
        if error.in_doubt:
            raise failures.unknown(address, error.cause) from error
        raise failures.unavailable(address, address.schema, error.cause) from error
    except (psycopg.Error, NotDurable, LookupError) as error:
        raise failures.unavailable(address, address.schema, error) from error
