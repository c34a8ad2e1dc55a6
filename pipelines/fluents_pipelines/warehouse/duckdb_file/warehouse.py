"""The loader's own DuckDB file, and what it publishes of it.

Opening it takes the lock of all loads, takes the published file back where the loader's is lost,
and brings the file up to date, so its tables and columns are always there. Readers open the
published copy instead: DuckDB lets one process open a file that is written.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from fluents_connector.errors import LoadFailed
from fluents_connector.files import written_whole
from fluents_connector.loader_state import PublishReport, loader_state
from fluents_connector.settings import Settings
from fluents_pipelines.tables import CALLS, SCHEMA, Table
from fluents_pipelines.transactions import transaction
from fluents_pipelines.warehouse import progress
from fluents_pipelines.warehouse.duckdb_file.destination import keyed_duckdb
from fluents_pipelines.warehouse.duckdb_file.files import FILE, forget_partial, partial_of
from fluents_pipelines.warehouse.duckdb_file.migrations import migrate, refuse_newer
from fluents_pipelines.warehouse.duckdb_file.publish import Publisher
from fluents_pipelines.warehouse.duckdb_file.state import FileState, state_of
from fluents_pipelines.warehouse.duckdb_file.storage import (
    CHECKPOINT_AT_ONCE,
    CHECKPOINT_LATER,
    connect,
    make,
)
from fluents_pipelines.warehouse.duckdb_file.take_back import take_back
from fluents_pipelines.warehouse.loading import LoadPipeline
from fluents_pipelines.warehouse.protocol import Finish, nothing


class DuckDbWarehouse:
    """See `fluents_pipelines.warehouse.protocol.Warehouse`."""

    def __init__(self, settings: Settings) -> None:
        self.path = settings.data_dir / FILE
        self.taken_back_at: float | None = None
        with ExitStack() as opened:
            opened.enter_context(loader_state(settings).only_loader())
            if take_back(settings, self.path):
                self.taken_back_at = time.time()
            with _opening(self.path, settings):
                forget_partial(self.path)
                _make_whole(self.path)
                # Open from before the connection until after it: POSIX drops all locks that a
                # process has on a file when the process closes any descriptor of it, DuckDB's too.
                source = opened.enter_context(self.path.open("rb"))
                # DuckDB folds its write-ahead log back into the file when this is closed
                self.connection = opened.enter_context(closing(_connect(self.path, settings)))
            self._publisher = Publisher(
                source,
                self.connection,
                settings.warehouse_path,
                settings.publish_share,
                group=settings.warehouse_group,
                reserve=settings.disk_reserve_bytes,
                whole_copies=settings.publish_method == "whole_copy",
            )
            _bring_up_to_date(self.connection, self.path)
            self._destination = keyed_duckdb(self.connection, destination_name="duckdb")
            self._loading = LoadPipeline(self._destination, settings.data_dir / "dlt")
            self._opened = opened.pop_all()

    def __enter__(self) -> DuckDbWarehouse:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives up all files, the lock last."""
        self._opened.close()

    def state(self) -> FileState:
        """What the file says of itself."""
        return state_of(self.connection)

    def position(self, buffer_id: str) -> tuple[int, str | None]:
        """Up to which position of a buffer it holds everything, and the delivery there."""
        with closing(self.connection.cursor()) as cursor:
            return progress.position(cursor, buffer_id)

    def missing(self, event_ids: list[str]) -> list[str]:
        """Which of some deliveries it does not hold."""
        with closing(self.connection.cursor()) as cursor:
            return progress.missing(cursor, event_ids)

    def known_calls(self, call_ids: pa.Table) -> pa.Table:
        """The rows of `calls` for the given ids (one column `call_id`)."""
        if not call_ids.num_rows:
            return CALLS.arrow_schema.empty_table()
        with closing(self.connection.cursor()) as cursor:
            return self.rows_of_calls(cursor, CALLS, call_ids)

    def rows_of_calls(
        self, cursor: duckdb.DuckDBPyConnection, table: Table, call_ids: pa.Table
    ) -> pa.Table:
        """The rows of `table` for the given calls, as the transaction of `cursor` sees them."""
        cursor.register("asked_for", call_ids)
        try:
            # by rowid: DuckDB then reads one column of all rows, and the others of these only
            found = cursor.sql(
                f"select {', '.join(table.column_names)} from {SCHEMA}.{table.name}"  # noqa: S608
                f" where rowid in (select rowid from {SCHEMA}.{table.name}"
                " where call_id in (select call_id from asked_for))"
            ).to_arrow_table()
        finally:
            cursor.unregister("asked_for")
        return found.cast(table.nullable_arrow_schema)

    def is_new_to_dlt(self) -> bool:
        """Whether dlt has recorded no schema yet, or none since tables or columns were made."""
        with closing(self.connection.cursor()) as cursor:
            recorded = cursor.execute(f"select 1 from {SCHEMA}._dlt_version limit 1")  # noqa: S608
            return not recorded.fetchall()

    def drop_pending(self) -> bool:
        """Drops what an interrupted load left in dlt's folder; says whether there was any."""
        return self._loading.drop_pending()

    def load(
        self,
        source: Any,
        finish: Finish = nothing,
        *,
        is_visible_next: bool = False,
    ) -> None:
        """Adds what `source` yields, and what `finish` adds, in one transaction."""

        def finish_all(connection: duckdb.DuckDBPyConnection) -> None:
            finish(connection)
            if is_visible_next:
                self._publisher.mark_changed(connection)
                connection.execute(CHECKPOINT_AT_ONCE)

        def committed() -> None:
            if is_visible_next:
                self._publisher.committed()

        try:
            with self._destination.completing(finish_all, committed):
                self._loading.load(source)
        finally:
            with suppress(duckdb.Error):  # of a database that met a fatal error before
                self.connection.execute(CHECKPOINT_LATER)
            self._publisher.see()

    def is_visible(self) -> bool:
        """Whether the published file is a copy of what this one is now."""
        return self._publisher.published_state() == self.state()

    def is_due(self) -> bool:
        """Whether publishing has its share of the time again, or nothing is published."""
        return self._publisher.is_due()

    def lacks_room(self) -> str | None:
        """Why a copy would not leave the reserve on the disk, for the user; None if it would."""
        return self._publisher.lacks_room()

    def mark_changed(self) -> None:
        """Has the file say that it is not the published one, before it is changed."""
        with transaction(self.connection):
            self._publisher.mark_changed(self.connection)

    def make_visible(self) -> PublishReport:
        """Publishes the file. Raises `LoadFailed`."""
        return self._publisher.publish(self.connection)

    def maintain(self) -> None:
        """Deletes the packages that dlt keeps of former loads."""
        self._loading.forget_loaded_packages()


@contextmanager
def _opening(path: Path, settings: Settings) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, OSError) as error:
        raise LoadFailed(
            f"The loader's file {path} cannot be opened: {error}. If another program has it open, "
            f"close it there: readers open {settings.warehouse_path}."
        ) from error


def _connect(path: Path, settings: Settings) -> duckdb.DuckDBPyConnection:
    refuse_newer(path)
    return connect(path, settings.memory_limit)


def _make_whole(path: Path) -> None:
    # A full disk would leave half a file at the path, which no later load could open.
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path, partial_of(path), durable=True) as partial:
            make(partial)


def _bring_up_to_date(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    try:
        migrate(connection)
    except duckdb.Error as error:
        raise LoadFailed(
            f"The loader's file {path} cannot be brought up to date: {error}. It was not "
            "changed. The buffer keeps what waits."
        ) from error
