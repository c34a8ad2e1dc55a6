"""Publishes the warehouse: readers get a snapshot of the file, put in place by rename.

The path that readers know is a symbolic link to the snapshot, and a publish replaces the link. A
reader that has a snapshot open keeps reading it; whoever opens the path next gets the new one. So
readers never block the loader, and the loader never blocks readers.

A snapshot is made from the last but one, where nobody has that open: only the blocks are written
that changed since, so the cost follows what was loaded and not the warehouse. Where both files are
on one XFS or btrfs, it shares the blocks of the loader's file instead. Else it is a whole copy.

Each snapshot has a name of its own because DuckDB keeps a log beside the file that it opened,
links followed. Somebody who writes into an old snapshot then leaves his log beside that one. Beside
a newer file of the same name, DuckDB 2.0 would refuse to open it, and 1.5 would show his rows.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import duckdb

from fluents_connector.errors import LoadFailed
from fluents_connector.files import sync
from fluents_connector.loader_state import PublishReport
from fluents_pipelines.disk_space import has_room
from fluents_pipelines.transactions import transaction
from fluents_pipelines.warehouse import properties
from fluents_pipelines.warehouse.duckdb_file.copying import Copier
from fluents_pipelines.warehouse.duckdb_file.files import identity
from fluents_pipelines.warehouse.duckdb_file.snapshots import Snapshots
from fluents_pipelines.warehouse.duckdb_file.state import (
    SNAPSHOT,
    FileState,
    begin_snapshot,
    refuse_to_lose,
    state_in,
    state_of,
)

NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)  # FAT, and shares without links


class Publisher:
    """Copies the loader's file to the path that readers know.

    `source` is that file, and `connection` has it open too and has not changed it yet.
    `share` is the part of the time that it may take: `is_due` says no for as long as needed.
    `group` may read what it publishes; nobody but the owner where that is empty. `reserve` bytes
    stay free on the disk of what it publishes. With `whole_copies` no former snapshot is changed.
    """

    def __init__(
        self,
        source: BinaryIO,
        connection: duckdb.DuckDBPyConnection,
        target: Path,
        share: float,
        clock: Callable[[], float] = time.monotonic,
        group: str = "",
        reserve: int = 0,
        whole_copies: bool = False,
    ) -> None:
        self.source = Path(source.name)
        self.target = target
        self.snapshots = Snapshots(target, source, properties.get(connection, SNAPSHOT))
        self._copier = Copier(source, self.snapshots, group, reserve, whole_copies)
        self._share = share
        self._clock = clock
        self._due_at = clock()
        # The state of what is published, for as long as that is the same file.
        self._seen: tuple[int, ...] | None = None  # none is there, and so no state
        self._state: FileState | None = None
        self._begun: str | None = None  # the id that the loader's file has for the next snapshot
        self._marked_at = 0.0
        self._committed_in = 0.0  # seconds of the commit that is the checkpoint for it

    def see(self) -> None:
        """Looks at the checkpoint of the loader's file: needed after each that it may have made."""
        self.snapshots.see()

    def is_due(self) -> bool:
        """Whether enough time has passed since the last publish, by how long that took.

        Always where nothing is published.
        """
        return self._clock() >= self._due_at or not self.target.exists()

    def published_state(self) -> FileState | None:
        """The state of the published file; None where there is none that can be read.

        Cheap where it is the one that was asked last.
        """
        try:
            return self._read()
        except (OSError, duckdb.Error, LoadFailed):
            return None

    def _read(self) -> FileState | None:
        seen = identity(self.target)
        if seen != self._seen:
            self._state = state_in(self.target)
            self._seen = seen
        return self._state

    def lacks_room(self) -> str | None:
        """Why a snapshot would not leave the reserve on the disk; None if it would."""
        copier = self._copier
        log = self.source.with_name(f"{self.source.name}.wal")
        needed = copier.bytes_needed() + (log.stat().st_size if log.exists() else 0)
        if has_room(self.snapshots.folder, needed, copier.reserve):
            return None
        return (
            f"Not published for now: the next snapshot of the warehouse takes {needed:,} bytes, "
            f"and {copier.reserve:,} more (disk_reserve_bytes) would not be left free on the disk "
            f"of {self.target}. Loads go on. Make room there: the next load publishes it."
        )

    def mark_changed(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Has the loader's file say that it is not the published one, before it is changed.

        In the transaction of the caller. What is published next is of the id that this gives.
        """
        former = self._former(state_of(connection))
        snapshot = begin_snapshot(connection, former)
        self._begun = snapshot if former or not self.target.exists() else None
        self._marked_at = self._clock()

    def committed(self) -> None:
        """Told that the transaction of `mark_changed` is committed, and with that checkpointed."""
        self._committed_in = self._clock() - self._marked_at

    def _former(self, state: FileState) -> str | None:
        """The id of what is published, if the loader's file, which says `state`, has all of it."""
        published = self.published_state()
        if published is not None:
            return published.snapshot if state.holds_all_of(published) else None
        return self._snapshot_known(state)

    def _snapshot_known(self, state: FileState) -> str | None:
        """The id of the snapshot that is published, by its name, if it is ours."""
        snapshot = _snapshot_of(self.target)
        return snapshot if snapshot in (state.snapshot, state.former_snapshot) else None

    def publish(self, connection: duckdb.DuckDBPyConnection) -> PublishReport:
        """Makes a snapshot and renames. No transaction may be open. Raises `LoadFailed`.

        Refuses where the published file holds what the loader's does not.
        """
        began_at = self._clock()
        copier, published = self._copier, self._compared(connection)
        try:
            snapshot_id = self._begin(connection, published)
            self._checkpoint(connection)
            snapshot = self.snapshots.path(snapshot_id)
            method, bytes_written = copier.make(snapshot)
            self._point_to(snapshot)
            self.snapshots.made(snapshot, snapshot_id, copier.former_kept(method))
        except (OSError, duckdb.Error) as error:
            raise LoadFailed(
                f"The warehouse holds everything, but {self.target} could not be published: "
                f"{error}. The next load publishes it again."
            ) from error
        self._state, self._seen = state_of(connection), identity(self.target)
        ended_at = self._clock()
        seconds = ended_at - began_at + self._committed_in
        self._committed_in = 0.0
        self._due_at = ended_at + seconds * (1 - self._share) / self._share
        return PublishReport(method, bytes_written, seconds)

    def _begin(self, connection: duckdb.DuckDBPyConnection, published: FileState | None) -> str:
        """The id of the snapshot, which the load's transaction gave if it could."""
        begun, self._begun = self._begun, None
        if begun is not None and properties.get(connection, SNAPSHOT) == begun:
            return begun
        with transaction(connection):
            return begin_snapshot(connection, published.snapshot if published else None)

    def _checkpoint(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.see()
        connection.execute("checkpoint")
        self.see()

    def _compared(self, connection: duckdb.DuckDBPyConnection) -> FileState | None:
        """The state of what is published, all of which the loader's file has, or `LoadFailed`."""
        state = state_of(connection)
        try:
            published = self._read()
            if published is not None and not state.holds_all_of(published):
                refuse_to_lose(connection, self.source, self.target)
        except (OSError, duckdb.Error) as error:
            # A snapshot of ours that somebody has open for writing, or that a disk damaged.
            if self._snapshot_known(state):
                return None
            raise LoadFailed(
                f"Not published: {self.target} cannot be read, so it may hold what the loader's "
                f"file {self.source} does not: {error}. If another program has it open for "
                "writing, close it there. If it is damaged, or no warehouse, move it away: the "
                "next load publishes the loader's file."
            ) from error
        return published

    def _point_to(self, snapshot: Path) -> None:
        link = self.snapshots.folder / "link"
        if link.is_symlink():  # left by a kill
            link.unlink()
        try:
            # relative to where it will be, so that the folder can be mounted elsewhere
            link.symlink_to(snapshot.relative_to(self.target.parent))
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            link = snapshot
        # Left by whoever wrote into what was no link, or by DuckDB before 1.5, which follows none.
        self.target.with_name(f"{self.target.name}.wal").unlink(missing_ok=True)
        link.replace(self.target)
        sync(self.target.parent)


def _snapshot_of(target: Path) -> str:
    """The id of the snapshot that a published path leads to."""
    return target.readlink().name.removeprefix(f"{target.name}.") if target.is_symlink() else ""
