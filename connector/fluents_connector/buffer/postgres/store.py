"""The place of a Postgres buffer: a schema of a database, whatever is there.

Backups and what follows a loss are the server's: its own tools do both for all that it keeps, and
the commands say which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from psycopg import Connection

from fluents_connector.buffer.limits import Limits
from fluents_connector.buffer.postgres import check, reading
from fluents_connector.buffer.postgres.address import Address
from fluents_connector.buffer.postgres.buffer import PostgresBuffer
from fluents_connector.buffer.postgres.schema import exists, refuse_newer
from fluents_connector.buffer.postgres.session import Session
from fluents_connector.buffer.postgres.work import unavailable_at
from fluents_connector.buffer.store import Confirmed, Finding, Recovered, Restored
from fluents_connector.errors import BufferRefused, BufferUnavailable, FluentsError

CHECK_SECONDS = 600.0  # a statement of a check reads all that is kept

T = TypeVar("T")

_NO_LIMITS = Limits()


class PostgresStore:
    """A `BufferStore` at `address`. What is opened there is as a `PostgresBuffer` is told to be."""

    def __init__(
        self,
        address: Address,
        limits: Limits = _NO_LIMITS,
        *,
        patience: float = 0,
        replicas: int = 0,
    ) -> None:
        self.address = address
        self._limits = limits
        self._patience = patience
        self._replicas = replicas

    @property
    def description(self) -> str:
        """The URL without password, and the schema."""
        return str(self.address)

    def exists(self) -> bool:
        """Whether there is a buffer; also where the server cannot be asked, which opening tells."""
        try:
            return self._is_there()
        except FluentsError:
            return True

    def require(self) -> None:
        """Raises `BufferUnavailable` where there is no buffer (any more), or none can be found."""
        if not self._is_there():
            raise BufferUnavailable(
                f"The staging buffer {self.description} is gone. Bring it back, or restart the "
                "receiver to make one."
            )

    def open(self) -> PostgresBuffer:
        """The buffer, whose tables are made if they are not there."""
        return PostgresBuffer(
            self.address, self._limits, patience=self._patience, replicas=self._replicas
        )

    def findings(self) -> Iterator[Finding]:
        """Each finding as it is made."""
        with closing(self._session()) as session, unavailable_at(self.address):
            session.read(partial(refuse_newer, schema=self.address.schema))
            yield from check.findings(session)

    def confirmed(self) -> Confirmed:
        """What the warehouse confirmed."""
        return self._read(reading.confirmed)

    def ids_up_to(self, position: int) -> Iterator[list[str]]:
        """The ids of the deliveries that are kept up to a position, in groups."""
        with closing(self._session()) as session, unavailable_at(self.address):
            after = 0
            while group := session.read(partial(reading.ids, after=after, up_to=position)):
                after = group[-1][0]
                yield [event_id for _, event_id in group]

    def backup(self, target: Path, *, overwrite: bool = False) -> int:
        """Refused: `pg_dump` writes one file of one moment, while receivers and loader go on."""
        self._refuse(
            f"To write it to a file of one moment, run: pg_dump --format=custom "
            f"--schema={self.address.schema} --file={target} <database>. Receivers and loader may "
            "go on. For a backup up to the last commit, archive the server's log"
        )

    def restore(self, source: Path, stamp: str) -> Restored:
        """Refused: `pg_restore` does it."""
        self._refuse(
            "To put a file of pg_dump in its place, stop receivers and loader, keep the former one "
            f"(alter schema {self.address.schema} rename to {self.address.schema}_replaced), then "
            f"run: pg_restore --dbname=<database> {source}. The next load notices, and loads again "
            "what it must"
        )

    def recover(self, stamp: str) -> Recovered:
        """Refused: the server recovers by itself from a crash, and from a backup otherwise."""
        self._recover()

    def recover_from(self, source: Path) -> Recovered:
        """Refused, as `recover` is."""
        self._recover()

    def recovery_is_unfinished(self) -> bool:
        """Never: none is begun here."""
        return False

    def finish_recovery(self) -> Recovered | None:
        """None, as none is begun here."""
        return None

    def _recover(self) -> NoReturn:
        self._refuse(
            "After a crash the server recovers by itself what was acknowledged. Where its files "
            "are damaged, promote a standby or restore a backup; the next load notices"
        )

    def _refuse(self, advice: str) -> NoReturn:
        raise BufferRefused(
            f"{self.description} is kept by a Postgres server, whose own tools back it up and "
            f"restore it. {advice}: see docs/scaling.md. Nothing was changed."
        )

    def _is_there(self) -> bool:
        return self._read(lambda connection: exists(connection, self.address.schema))

    def _session(self) -> Session:
        return Session(self.address, seconds=CHECK_SECONDS)

    def _read(self, work: Callable[[Connection[Any]], T]) -> T:
        with closing(self._session()) as session, unavailable_at(self.address):
            return session.read(work)
