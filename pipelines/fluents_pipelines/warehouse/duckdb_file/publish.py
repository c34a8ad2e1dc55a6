"""Publishes the warehouse: readers get a snapshot of the file, put in place by rename.

The path that readers know is a symbolic link to the snapshot, and a publish replaces the link. A
reader that has a snapshot open keeps reading it; whoever opens the path next gets the new one. So
readers never block the loader, and the loader never blocks readers.

Each snapshot has a name of its own because DuckDB keeps a log beside the file that it opened,
links followed. Somebody who writes into an old snapshot then leaves his log beside that one. Beside
a newer file of the same name, DuckDB 2.0 would refuse to open it, and 1.5 would show his rows.
"""

from __future__ import annotations

import errno
import fcntl
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import duckdb

from fluents_connector.errors import LoadFailed
from fluents_connector.files import sync, written_whole
from fluents_connector.permissions import open_to_group
from fluents_pipelines.disk_space import has_room
from fluents_pipelines.warehouse.duckdb_file.files import (
    copy_file,
    identity,
    snapshots_of,
)
from fluents_pipelines.warehouse.duckdb_file.state import (
    FileState,
    begin_snapshot,
    refuse_to_lose,
    state_in,
    state_of,
)

FICLONE = 0x40049409  # ioctl_ficlone(2): the copy shares its blocks, on btrfs and XFS
NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)  # FAT, and shares without links


class Publisher:
    """Copies the loader's file to the path that readers know.

    `share` is the part of the time that it may take: `is_due` says no for as long as needed.
    `group` may read what it publishes; nobody but the owner where that is empty. `reserve` bytes
    stay free on the disk of what it publishes.
    """

    def __init__(
        self,
        source: Path,
        target: Path,
        share: float,
        clock: Callable[[], float] = time.monotonic,
        group: str = "",
        reserve: int = 0,
    ) -> None:
        self.source = source
        self.target = target
        self.snapshots = snapshots_of(target)
        self._partial = self.snapshots / "snapshot.partial"
        self._share = share
        self._group = group
        self._reserve = reserve
        self._clock = clock
        self._due_at = clock()
        # Kept open until the end: POSIX drops all locks that a process has on a file when the
        # process closes any descriptor of it, and DuckDB's lock would go with this one.
        self._source_file: BinaryIO | None = None
        # The state of what is published, for as long as that is the same file.
        self._seen: tuple[int, ...] | None = None  # none is there, and so no state
        self._state: FileState | None = None

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
        """Why a copy would not leave the reserve on the disk, for the user; None if it would."""
        needed = sum(
            file.stat().st_size
            for file in (self.source, self.source.with_name(f"{self.source.name}.wal"))
            if file.exists()
        )
        if has_room(self.snapshots, needed, self._reserve) or self._shares_blocks():
            return None
        return (
            f"Not published for now: a copy of the warehouse takes {needed:,} bytes, and "
            f"{self._reserve:,} more (disk_reserve_bytes) would not be left free on the disk of "
            f"{self.target}. Loads go on. Make room there: the next load publishes it."
        )

    def mark_changed(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Has the loader's file say that it is not the published one, before it is changed."""
        state, published = state_of(connection), self.published_state()
        is_from_it = published and state.holds_all_of(published)
        begin_snapshot(connection, published.snapshot if published and is_from_it else None)

    def publish(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Copies and renames. No transaction may be open. Raises `LoadFailed`.

        Refuses where the published file holds what the loader's does not.
        """
        began_at = self._clock()
        published = self._compared(connection)
        try:
            snapshot_id = begin_snapshot(connection, published.snapshot if published else None)
            connection.execute("checkpoint")
            self._prepare_folder()
            self._delete_old()
            # DuckDB names a database after what is before the first dot
            snapshot = self.snapshots / f"{self.target.name}.{snapshot_id}"
            with (
                written_whole(snapshot, self._partial, durable=True) as partial,
                self._create(partial) as copy,
            ):
                copy_file(self._open_source(), copy)
            self._point_to(snapshot)
        except (OSError, duckdb.Error) as error:
            raise LoadFailed(
                f"The warehouse holds everything, but {self.target} could not be published: "
                f"{error}. The next load publishes it again."
            ) from error
        self._state, self._seen = state_of(connection), identity(self.target)
        ended_at = self._clock()
        self._due_at = ended_at + (ended_at - began_at) * (1 - self._share) / self._share

    def _compared(self, connection: duckdb.DuckDBPyConnection) -> FileState | None:
        """The state of what is published, all of which the loader's file has, or `LoadFailed`."""
        state = state_of(connection)
        try:
            published = self._read()
            if published is not None and not state.holds_all_of(published):
                refuse_to_lose(connection, self.source, self.target)
        except (OSError, duckdb.Error) as error:
            # A snapshot of ours that somebody has open for writing, or that a disk damaged.
            snapshot = _snapshot_of(self.target)
            if snapshot and snapshot in (state.snapshot, state.former_snapshot):
                return None
            raise LoadFailed(
                f"Not published: {self.target} cannot be read, so it may hold what the loader's "
                f"file {self.source} does not: {error}. If another program has it open for "
                "writing, close it there. If it is damaged, or no warehouse, move it away: the "
                "next load publishes the loader's file."
            ) from error
        return published

    def _shares_blocks(self) -> bool:
        """Whether a copy takes no room, because its blocks are those of the loader's file."""
        try:
            self._prepare_folder()
            self._partial.unlink(missing_ok=True)
            with self._create(self._partial) as copy:
                fcntl.ioctl(copy.fileno(), FICLONE, self._open_source().fileno())
        except OSError:
            return False
        finally:
            with suppress(OSError):
                self._partial.unlink(missing_ok=True)
        return True

    def _open_source(self) -> BinaryIO:
        if self._source_file is None:
            self._source_file = self.source.open("rb")
        return self._source_file

    def _prepare_folder(self) -> None:
        self.snapshots.mkdir(parents=True, exist_ok=True)
        open_to_group(self.snapshots, self._group)

    def _create(self, partial: Path) -> BinaryIO:
        partial.touch(mode=0o600)
        open_to_group(partial, self._group)
        return partial.open("wb")

    def close(self) -> None:
        """Gives up the source file. Only after its connection is closed."""
        if self._source_file is not None:
            self._source_file.close()

    def _point_to(self, snapshot: Path) -> None:
        link = self.snapshots / "link"
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

    def _delete_old(self) -> None:
        """Deletes all but the current snapshot, and what readers and kills left beside others.

        The one before the current was there until now, for readers that followed the link just
        before it changed. Whoever has a deleted file open keeps it.
        """
        current = self.target.readlink().name if self.target.is_symlink() else None
        for path in self.snapshots.iterdir():
            is_of_current = current is not None and path.name.startswith(current)
            # a folder is where a reader spills to: it fails without, and DuckDB deletes it itself
            if not is_of_current and (path.is_symlink() or not path.is_dir()):
                path.unlink(missing_ok=True)


def _snapshot_of(target: Path) -> str:
    """The id of the snapshot that a published path leads to."""
    return target.readlink().name.removeprefix(f"{target.name}.") if target.is_symlink() else ""
