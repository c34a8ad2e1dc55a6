"""One connection to the server, made when it is needed, and its transactions.

- A transaction is durable when it returns: as durable as the server can be told to make it, and on
  as many standbys as the settings demand. Otherwise it raises.
- Where the connection dies while a commit is under way, nobody knows what became of it:
  `Interrupted` says so, and the caller asks again on a new connection.
- Nothing waits for ever: the server ends what takes too long, and where it does not answer at all
  the connection is cut from here. So ends a commit that waits for a standby while none answers: the
  server's own time-outs are no more in force then.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg import Connection, Cursor
from psycopg.conninfo import make_conninfo

from fluents_connector.buffer.postgres import durability, failures
from fluents_connector.buffer.postgres.address import Address
from fluents_connector.buffer.postgres.durability import NotDurable
from fluents_connector.buffer.postgres.schema import refuse_server, the_row
from fluents_connector.buffer.protocol import Durability

T = TypeVar("T")
Work = Callable[[Connection[Any]], T]

GRACE_SECONDS = 5.0  # beyond the server's own time-out, until the connection is cut
_LOOK_SECONDS = 0.5

_BEGIN = "begin isolation level read committed read write"
_PREPARE = """
select set_config(name, value, false) from (values
    ('search_path', quote_ident(%(schema)s)),
    ('statement_timeout', %(milliseconds)s::text),
    -- who stops in a transaction would keep the counters' row, and so all others, waiting
    ('idle_in_transaction_session_timeout', %(milliseconds)s::text)
) as settings (name, value)
"""


class Interrupted(Exception):
    """Nothing is known to be stored, and trying again may help.

    `in_doubt` where it may have been stored all the same: the connection died during the commit.
    """

    def __init__(self, cause: Exception, *, in_doubt: bool) -> None:
        super().__init__(failures.said(cause))
        self.cause = cause
        self.in_doubt = in_doubt


class Session:
    """One connection to `address`, for one thread at a time.

    `seconds` is how long a statement may take, `replicas` how many standbys must hold a commit.
    """

    def __init__(self, address: Address, *, seconds: float, replicas: int = 0) -> None:
        self._address = address
        self._seconds = seconds
        self._replicas = replicas
        self._lock = threading.Lock()
        self._connection: Connection[Any] | None = None
        self._is_closed = False
        self._warnings: list[str] = []
        self._was_cut = False
        self._deadline: float | None = None
        self._watch: threading.Thread | None = None

    def transaction(self, work: Work[T]) -> T:
        """The result of `work` in a transaction that is durable when this returns.

        Its statements are sent together where nobody waits for their results. Raises `Interrupted`,
        `psycopg.Error`, `NotDurable`, and what `work` raises; then nothing of it is stored, unless
        `Interrupted` is in doubt.
        """
        with self._connected() as connection:
            is_committing = False
            self._warnings.clear()
            try:
                with connection.pipeline():
                    connection.execute(_BEGIN)
                    before = connection.execute(durability.SETTINGS)
                    result = work(connection)
                    self._require_durable(before)
                    is_committing = True
                    ended = connection.execute("commit")
                    after = connection.execute(durability.SETTINGS)
                if ended.statusmessage != "COMMIT":
                    raise psycopg.OperationalError("the transaction was rolled back")
                self._require_durable(after)
            except psycopg.Error as error:
                self._give_up(connection)
                if connection.closed:
                    raise self._died(error, in_doubt=is_committing) from error
                if error.sqlstate in failures.PASSING:
                    raise Interrupted(error, in_doubt=False) from error
                raise
            except NotDurable as error:
                self._give_up(connection)
                if is_committing:
                    raise Interrupted(error, in_doubt=True) from error
                raise
            except BaseException:
                self._give_up(connection)
                raise
            if self._warnings:
                cause = NotDurable(f"no standby confirmed it in time: {self._warnings[0]}")
                raise Interrupted(cause, in_doubt=True)
            return result

    def read(self, work: Work[T]) -> T:
        """The result of `work`, which changes nothing; in one view if it is one statement."""
        with self._connected() as connection:
            try:
                return work(connection)
            except psycopg.Error as error:
                self._give_up(connection)
                if connection.closed or error.sqlstate in failures.PASSING:
                    raise self._died(error, in_doubt=False) from error
                raise

    def durability(self) -> Durability:
        """What the server's settings make of a commit."""

        def described(connection: Connection[Any]) -> Durability:
            return durability.described(the_row(connection.execute(durability.SETTINGS)))

        return self.read(described)

    def close(self) -> None:
        """Gives up the connection."""
        with self._lock:
            self._is_closed = True
            if self._connection is not None:
                self._connection.close()

    @contextmanager
    def _connected(self) -> Iterator[Connection[Any]]:
        """The connection, for one thread, which is cut where the server does not answer."""
        with self._lock:
            if self._is_closed:
                raise psycopg.OperationalError("it was closed")
            if self._connection is None or self._connection.closed:
                self._connection = None
                try:
                    self._connection = self._connect()
                except psycopg.OperationalError as error:
                    raise Interrupted(error, in_doubt=False) from error
            self._was_cut = False
            self._deadline = time.monotonic() + self._seconds + GRACE_SECONDS
            try:
                yield self._connection
            finally:
                self._deadline = None

    def _connect(self) -> Connection[Any]:
        connection = psycopg.connect(make_conninfo(**self._address.parameters()), autocommit=True)
        try:
            refuse_server(connection.info.server_version)
            milliseconds = int(self._seconds * 1000)
            connection.execute(
                _PREPARE, {"schema": self._address.schema, "milliseconds": milliseconds}
            )
            durability.make_durable(connection, self._replicas)
        except BaseException:
            connection.close()
            raise
        connection.add_notice_handler(self._note)
        if self._watch is None:
            self._watch = threading.Thread(target=self._cut_if_late, daemon=True)
            self._watch.start()
        return connection

    def _require_durable(self, found: Cursor[Any]) -> None:
        durability.require(the_row(found), self._replicas)

    def _note(self, notice: psycopg.errors.Diagnostic) -> None:
        # the server commits, and says only by a warning that it gave up waiting for a standby
        if (
            notice.severity_nonlocalized == "WARNING"
            and notice.sqlstate in durability.CANCELLED_WAIT
        ):
            self._warnings.append(str(notice.message_primary))

    def _give_up(self, connection: Connection[Any]) -> None:
        """Undoes what is begun; closes a connection that cannot even do that, or has no use."""
        with suppress(psycopg.Error):
            if not connection.closed:
                if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                    connection.execute("rollback")
                if connection.execute("select pg_is_in_recovery()").fetchone() == (False,):
                    return
        connection.close()

    def _died(self, error: psycopg.Error, *, in_doubt: bool) -> Interrupted:
        if not self._was_cut:
            return Interrupted(error, in_doubt=in_doubt)
        seconds = self._seconds + GRACE_SECONDS
        late = TimeoutError(f"it did not answer within {seconds:g} seconds")
        return Interrupted(late, in_doubt=in_doubt)

    def _cut_if_late(self) -> None:
        while not self._is_closed:
            time.sleep(_LOOK_SECONDS)
            deadline, connection = self._deadline, self._connection
            if deadline is None or connection is None or time.monotonic() < deadline:
                continue
            with (
                suppress(OSError, psycopg.Error),
                # psycopg closes the socket itself, once it notices
                socket.socket(fileno=os.dup(connection.pgconn.socket)) as duplicate,
            ):
                self._was_cut = True
                duplicate.shutdown(socket.SHUT_RDWR)
