"""What is promised of a warehouse: to the one loader, and to any number of readers.

A warehouse is a database that a DuckDB connection has as its current one, with the schemas
`fluents` and `analytics`. `tests/contract/warehouse` holds each implementation to this.

- A batch is one transaction: all of it is there, its row of `loads`, dlt's records of it and the
  models' rows of its calls included, or nothing.
- Every table is keyed, so loading a batch again changes nothing.
- One loader at a time has it open.
- Readers see all of what was made visible at one moment, or nothing of it. They never block the
  loader, and the loader never blocks them.
- What only asks changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from fluents_connector.loader_state import PublishReport
    from fluents_pipelines.tables import Table

Finish = Callable[["duckdb.DuckDBPyConnection"], None]
"""What a load does last in the transaction of a batch, on the connection that it is given."""


def nothing(*arguments: object) -> None:
    """Adds nothing to a batch."""


@dataclass(frozen=True, slots=True)
class WarehouseState:
    """What a warehouse says of itself; None for what it does not say, as those of older versions.

    `models` and `custom_models` are the versions of the models in it, `derivation` that of the SQL
    that made its rows, `positions` up to where it holds each buffer, by the buffer's id.
    """

    models: str | None
    custom_models: str | None
    derivation: str | None
    positions: dict[str, int]


class Warehouse(Protocol):
    """The loader's side. Close it, or use it in a `with` block."""

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection that all changes go through. No transaction of it is open."""

    @property
    def taken_back_at(self) -> float | None:
        """When, in seconds since 1970, opening it restored from readers what the loader had lost.

        None where nothing was lost.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def close(self) -> None:
        """Gives it up; another loader can open it then."""

    def state(self) -> WarehouseState:
        """What it says of itself."""

    def position(self, buffer_id: str) -> tuple[int, str | None]:
        """Up to which position of a buffer it holds everything, and the id of the delivery there.

        0 for nothing.
        """

    def missing(self, event_ids: list[str]) -> list[str]:
        """Which of some deliveries it holds neither as events nor in the quarantine, in order."""

    def known_calls(self, call_ids: pa.Table) -> pa.Table:
        """The rows of `calls` for the given ids (one column `call_id`)."""

    def rows_of_calls(
        self, cursor: duckdb.DuckDBPyConnection, table: Table, call_ids: pa.Table
    ) -> pa.Table:
        """The rows of any table for the given calls, as the transaction of `cursor` sees them."""

    def is_new_to_dlt(self) -> bool:
        """Whether the next load should name all tables, as dlt has not recorded those there are."""

    def drop_pending(self) -> bool:
        """Drops what an interrupted load left unfinished outside; says whether there was any."""

    def load(
        self,
        source: Any,
        finish: Finish = nothing,
        *,
        is_visible_next: bool = False,
    ) -> None:
        """Adds what a dlt source yields, a batch, in one transaction.

        `finish` is called in that, with its connection, after all rows are there and before they
        are committed. `is_visible_next` says that `make_visible` is called next.

        Raises `LoadFailed`: it has nothing of the batch then, and the error of the engine, or of
        `finish`, is among the causes.
        """

    def is_visible(self) -> bool:
        """Whether readers see what it holds, with the models that it has."""

    def is_due(self) -> bool:
        """Whether what is loaded should be made visible now, and not with a later load."""

    def lacks_room(self) -> str | None:
        """Why it cannot be made visible for now, for the user; None if it can."""

    def mark_changed(self) -> None:
        """Has it say that readers do not see what it holds, before rows change that are there."""

    def make_visible(self) -> PublishReport:
        """Lets readers see what it holds, and says what that took.

        Raises `LoadFailed`; readers see the former then.
        """

    def maintain(self) -> None:
        """Frees what is of no more use to anybody."""


class Published(Protocol):
    """The readers' side: what was made visible last."""

    @property
    def location(self) -> str:
        """What a tool in another process opens it by."""

    @property
    def folder(self) -> Path:
        """Where files for its readers belong, such as a notebook."""

    def connect(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A read-only connection of a process's own. Raises `QueryError`."""

    def state(self) -> WarehouseState | None:
        """What it says of itself; None where nothing is published.

        Raises `OSError` or `duckdb.Error` where it cannot be read, and `LoadFailed` where it is
        no warehouse.
        """

    def is_current(self) -> bool:
        """Whether readers see all that the loader has.

        Raises `LoadRunning` while a loader is at work, and what `state` raises.
        """

    def version(self) -> Hashable | None:
        """Another one after each time that something is made visible; None before. Quick."""

    @property
    def readable(self) -> tuple[list[str], list[str]]:
        """Folders and files that an engine must be allowed to read for `attach`."""

    def attach(self, connection: duckdb.DuckDBPyConnection, database: str, links: Path) -> None:
        """Attaches what is published now, read-only, as `database`, beside earlier ones.

        It may use `links`, a folder of the caller's, until `detach`.
        """

    def detach(self, connection: duckdb.DuckDBPyConnection, database: str, links: Path) -> None:
        """Takes off what `attach` attached, whole or in part."""
