"""The staging buffer in Postgres, shared by receivers on several machines and the loader.

Invariants
- A commit is durable when it returns: see `fluents_connector.buffer.postgres.session`.
- One transaction stores deliveries, finds out whether they repeat others, and counts them. It locks
  the counters first: one after the other, so positions are dense and appear in commit order.
- A sender posts once. So what cannot be stored now is tried again, for as long as a request may
  take; and where nobody knows whether it was stored, its ids are looked for before that. The
  deliveries of one commit are all there or none.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL

from fluents_connector.buffer.limits import Limits
from fluents_connector.buffer.postgres import reading
from fluents_connector.buffer.postgres.address import Address
from fluents_connector.buffer.postgres.rows import (
    Counters,
    count,
    event_id_at,
    insert,
    locked,
    receipts_at,
    touch,
    waiting,
)
from fluents_connector.buffer.postgres.schema import make_or_migrate
from fluents_connector.buffer.postgres.settling import (
    SETTLED,
    confirm,
    delete,
    redacted_in,
    settle,
    unconfirm,
)
from fluents_connector.buffer.postgres.work import Attempts, Work
from fluents_connector.buffer.protocol import Batch, Counts, Durability, Receipt, StoredDelivery
from fluents_connector.delivery import Delivery

DISCARD_ROWS = 2_000  # a short transaction, so that receivers never wait long for the counters

_OLD = SQL(
    "select position from deliveries where reason is null and received_at < %s"
    " and position <= (select confirmed_position from buffer)"
    " union all "
    "select position from deliveries where reason is not null and received_at < %s"
    " and position <= (select confirmed_position from buffer)"
)
_CONFIRMED = SQL(
    "select position from deliveries where reason is null"
    " and position <= (select confirmed_position from buffer) order by position"
)


class PostgresBuffer:
    """A `Buffer` at `address`, which is made if it is not there.

    `patience` is for how many seconds an append tries again, `replicas` how many standbys must hold
    what it stores.
    """

    def __init__(
        self,
        address: Address,
        limits: Limits | None = None,
        *,
        patience: float = 0,
        replicas: int = 0,
    ) -> None:
        self._limits = limits or Limits()
        self._work = Work(address, patience=patience, replicas=replicas)
        try:
            self._work.read(lambda opened: make_or_migrate(opened, address.schema))
        except BaseException:
            self.close()
            raise

    @property
    def buffer_id(self) -> str:
        """A UUID given when this buffer was made."""
        return self._work.read(reading.buffer_id)

    def append(self, delivery: Delivery) -> Receipt:
        """Stores `delivery` durably, with a commit of its own."""
        return self.append_all([delivery])[0]

    def append_all(self, deliveries: Iterable[Delivery]) -> list[Receipt]:
        """Stores `deliveries` durably with one commit: all or none.

        It asks for them when no other transaction commits any more: so many may have come
        meanwhile.
        """
        attempts = Attempts()
        taken: list[Delivery] = []

        def store(connection: Connection[Any]) -> list[Receipt]:
            counters = locked(connection)
            if (stored := _stored_before(connection, attempts, counters, taken)) is not None:
                return stored
            self._refuse_if_full(connection, counters)
            taken.extend([] if taken else deliveries)
            if not taken:
                return []
            kept: Sequence[Delivery] = taken
            refused = sum(delivery.reason is not None for delivery in taken)
            if refused:
                kept = self._limits.as_kept(taken, counters.refused_bytes)
            receipts = insert(connection, kept, counters)
            count(connection, kept, receipts, received=len(kept), quarantined=refused)
            return receipts

        return self._work.patiently(store, attempts)

    def check(self) -> None:
        """Commits a small change, so that whatever keeps a delivery out shows."""

        def try_it(connection: Connection[Any]) -> None:
            self._refuse_if_full(connection, locked(connection))
            touch(connection)

        self._work.write(try_it)

    def _refuse_if_full(self, connection: Connection[Any], counters: Counters) -> None:
        if self._limits.concern_what_waits:
            now = time.time_ns() // 1000
            self._limits.refuse_if_reached(waiting(connection, counters), now)

    def read(self, after: int, up_to: int, *, max_rows: int, max_bytes: int) -> Batch:
        """The deliveries after `after`, until `up_to` or a limit is reached.

        Raises `BufferUnavailable` where the server has fewer than that.
        """
        return self._work.read(
            lambda connection: reading.batch(
                connection, after, up_to, max_rows=max_rows, max_bytes=max_bytes
            )
        )

    def last_position(self) -> int:
        """The position of the newest delivery that was ever stored; 0 before the first."""
        return self._work.read(reading.last_position)

    def event_id_at(self, position: int) -> str | None:
        """The id of the delivery at a position; None where there is none (any more)."""
        return self._work.read(lambda connection: event_id_at(connection, position))

    def changed(self) -> list[str]:
        """The ids of events whose body is not what was received."""
        return self._work.read(lambda connection: list(reading.changed(connection)))

    def renew(self) -> None:
        """Gives the buffer another `buffer_id`, because its positions were given before."""

        def give(connection: Connection[Any]) -> None:
            locked(connection)
            unconfirm(connection, str(uuid.uuid4()))

        self._work.write(give)

    def confirm(self, position: int, event_id: str | None = None) -> None:
        """Records that the warehouse holds everything up to `position`.

        A server that lacks some has then given their positions again, or not yet: see `confirm`
        of the protocol.
        """
        self._work.write(lambda connection: confirm(connection, position, event_id))

    def discard(self, *, loaded_before: int, quarantined_before: int) -> int:
        """Deletes in short transactions what is confirmed and old enough."""
        discarded = self._discard_in_steps(_OLD, (loaded_before, quarantined_before))
        discarded += self._discard_in_steps(SETTLED, ())
        if self._limits.loaded_bytes is not None:
            discarded += self._discard_in_steps(_CONFIRMED, (), self._limits.loaded_bytes)
        return discarded

    def _discard_in_steps(
        self, positions: SQL, values: tuple[int, ...], down_to_bytes: int | None = None
    ) -> int:
        def step(connection: Connection[Any]) -> int:
            counters = locked(connection)
            loaded = counters.kept_bytes - counters.pending_bytes - counters.refused_bytes
            if down_to_bytes is not None and loaded <= down_to_bytes:
                return 0
            limited = SQL("{} limit %s").format(positions)
            return delete(connection, limited, (*values, DISCARD_ROWS))

        discarded = 0
        while deleted := self._work.write(step):
            discarded += deleted
            if deleted < DISCARD_ROWS:
                break
        return discarded

    def counts(self) -> Counts:
        """The state of the buffer, in one consistent view."""
        return self._work.read(reading.counts)

    def durability(self) -> Durability:
        """What the server's settings make of a commit."""
        return self._work.durability()

    def quarantined(self, limit: int) -> list[StoredDelivery]:
        """The newest refused deliveries, newest first."""
        return self._work.read(lambda connection: reading.refused(connection, "", limit))

    def quarantined_delivery(self, delivery_id: str) -> StoredDelivery | None:
        """One refused delivery, by its id or the only one whose id starts with it."""
        found = self._work.read(lambda connection: reading.refused(connection, delivery_id, 2))
        return found[0] if len(found) == 1 else None

    def retry(self, delivery: Delivery) -> Receipt | None:
        """Stores as an event what was refused under the same id, and settles the refusal."""
        attempts = Attempts()

        def store(connection: Connection[Any]) -> Receipt | None:
            counters = locked(connection)
            if (stored := _stored_before(connection, attempts, counters, [delivery])) is not None:
                return stored[0]
            redacted = redacted_in(connection, delivery.event_id)
            if not settle(connection, delivery.event_id):
                return None
            receipts = insert(connection, [delivery], counters)
            # what was replaced when it was refused is counted already
            more = replace(delivery, redacted=max(0, delivery.redacted - redacted))
            count(connection, [more], receipts, received=0, quarantined=-1)
            return receipts[0]

        return self._work.patiently(store, attempts)

    def drop(self, delivery_id: str) -> bool:
        """Settles a refusal for good: it is listed no more. Says whether there was one."""

        def settled(connection: Connection[Any]) -> bool:
            locked(connection)
            return settle(connection, delivery_id)

        return self._work.write(settled)

    def close(self) -> None:
        """Gives up both connections."""
        self._work.close()


def _stored_before(
    connection: Connection[Any],
    attempts: Attempts,
    counters: Counters,
    deliveries: Sequence[Delivery],
) -> list[Receipt] | None:
    """The receipts of what an attempt in doubt has stored; None where there is none, any more."""
    if attempts.in_doubt:
        stored = receipts_at(connection, attempts.after, deliveries)
        if stored is not None:
            touch(connection)  # which makes sure of what was stored before it, too
            return stored
    attempts.in_doubt, attempts.after = False, counters.last_position
    return None
