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
import os
import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import duckdb

from connector.errors import LoadFailed
from connector.permissions import open_to_group

NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)  # FAT, and shares without links


class Publisher:
    """Copies the loader's file to the path that readers know.

    `share` is the part of the time that it may take: `is_due` says no for as long as needed.
    `group` may read what it publishes; nobody but the owner where that is empty.
    """

    def __init__(
        self,
        source: Path,
        target: Path,
        share: float,
        clock: Callable[[], float] = time.monotonic,
        group: str = "",
    ) -> None:
        self.source = source
        self.target = target
        self.snapshots = snapshots_of(target)
        self._share = share
        self._group = group
        self._clock = clock
        self._due_at = clock()
        # Kept open until the end: POSIX drops all locks that a process has on a file when the
        # process closes any descriptor of it, and DuckDB's lock would go with this one.
        self._source_file: BinaryIO | None = None

    def is_due(self) -> bool:
        """Whether enough time has passed since the last publish, by how long that took."""
        return self._clock() >= self._due_at

    def publish(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Copies and renames. No transaction may be open. Raises `LoadFailed`."""
        began_at = self._clock()
        partial = self.snapshots / "snapshot.partial"
        try:
            connection.execute("checkpoint")
            if self._source_file is None:
                self._source_file = self.source.open("rb")
            self.snapshots.mkdir(parents=True, exist_ok=True)
            open_to_group(self.snapshots, self._group)
            self._delete_old()
            partial.unlink(missing_ok=True)
            partial.touch(mode=0o600)
            open_to_group(partial, self._group)
            with partial.open("wb") as copy:
                copy_file(self._source_file, copy)
                os.fsync(copy.fileno())
            # DuckDB names a database after what is before the first dot
            snapshot = self.snapshots / f"{self.target.name}.{uuid.uuid4()}"
            partial.rename(snapshot)
            self._point_to(snapshot)
        except (OSError, duckdb.Error) as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise LoadFailed(
                f"The warehouse holds everything, but {self.target} could not be published: "
                f"{error}. The next load publishes it again."
            ) from error
        ended_at = self._clock()
        self._due_at = ended_at + (ended_at - began_at) * (1 - self._share) / self._share

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
        _sync(self.snapshots)
        link.replace(self.target)
        _sync(self.target.parent)

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


def snapshots_of(target: Path) -> Path:
    """The folder of the snapshots that a published path leads to."""
    return target.with_name(f".{target.name}.snapshots")


def copy_file(source: BinaryIO, copy: BinaryIO) -> None:
    """Copies a whole open file into a new one, at once where the file system shares the blocks.

    `copy_file_range` does so on btrfs and XFS, and elsewhere it copies within the kernel.
    """
    done = 0
    size = os.fstat(source.fileno()).st_size
    with suppress(AttributeError, OSError):  # not on macOS, nor between some file systems
        while copied := os.copy_file_range(source.fileno(), copy.fileno(), size, done, done):
            done += copied
    source.seek(done)
    copy.seek(done)
    shutil.copyfileobj(source, copy, 4 * 1024**2)
    copy.flush()


def _sync(folder: Path) -> None:
    """Makes renames in a folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
