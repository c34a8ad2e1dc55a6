"""Makes a snapshot of the loader's file: of shared blocks, of changed ones, or as a whole copy."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fluents_connector.files import written_whole
from fluents_connector.permissions import open_to_group
from fluents_pipelines.disk_space import has_room
from fluents_pipelines.warehouse.duckdb_file.blocks import differing, patch
from fluents_pipelines.warehouse.duckdb_file.files import copy_file
from fluents_pipelines.warehouse.duckdb_file.lease import held_alone
from fluents_pipelines.warehouse.duckdb_file.snapshots import Snapshots

FICLONE = 0x40049409  # ioctl_ficlone(2): the copy shares its blocks, on btrfs and XFS
PATCH_BYTES = 512 * 1024**2
"""Most that is written into a former snapshot: it has to be done before the lease ends (45 s)."""

SHARED, CHANGED, WHOLE = "shared blocks", "changed blocks", "whole copy"


@dataclass(frozen=True, slots=True)
class Copier:
    """Copies the loader's file, which `source` has open, into the folder of `snapshots`.

    `group` may read the copies. `reserve` bytes stay free on their disk. With `whole_copies` no
    former snapshot is changed.
    """

    source: BinaryIO
    snapshots: Snapshots
    group: str
    reserve: int
    whole_copies: bool

    def make(self, snapshot: Path) -> tuple[str, int]:
        """Makes a file at `snapshot` that equals the loader's, and is on the disk.

        Returns how, and the bytes written. Raises `OSError`, and leaves nothing behind then.
        """
        with written_whole(snapshot, self.snapshots.partial, durable=True) as partial:
            if self._clone(partial):
                return SHARED, 0
            for former in self._usable():
                written = self._patch(former, partial)
                if written is not None:
                    return CHANGED, written
            size = self._size()
            if not has_room(snapshot.parent, size, self.reserve):
                raise OSError(errno.ENOSPC, f"{size:,} bytes more would not leave the reserve free")
            self.snapshots.tidy(self.former_kept(WHOLE) - 1)
            with self._create(partial) as copy:
                copy_file(self.source, copy)
            return WHOLE, size

    def former_kept(self, method: str) -> int:
        """How many former snapshots are worth their room, where the newest was made so.

        One, for readers that followed the link just before it changed. One more, to make the next
        from, where a reader may have that one open.
        """
        is_any_changed = sys.platform == "linux" and not self.whole_copies and method != SHARED
        return 2 if is_any_changed else 1

    def bytes_needed(self) -> int:
        """How much more room the next snapshot takes on the disk."""
        size, partial = self._size(), self.snapshots.partial
        with suppress(OSError):
            for former in self._usable():
                with former.open("r+b") as file, held_alone(former, file) as is_alone:
                    if is_alone:
                        return max(0, size - former.stat().st_size)
            try:
                return 0 if self._clone(partial) else size
            finally:
                partial.unlink(missing_ok=True)
        return size

    def _size(self) -> int:
        return os.fstat(self.source.fileno()).st_size

    def _clone(self, partial: Path) -> bool:
        self.snapshots.folder.mkdir(parents=True, exist_ok=True)
        open_to_group(self.snapshots.folder, self.group)
        try:
            with self._create(partial) as copy:
                fcntl.ioctl(copy.fileno(), FICLONE, self.source.fileno())
        except OSError:
            partial.unlink(missing_ok=True)
            return False
        return True

    def _usable(self) -> list[Path]:
        """Former snapshots that this user may change."""
        former = [] if self.whole_copies else self.snapshots.former()
        return [path for path in former if os.access(path, os.W_OK)]

    def _patch(self, former: Path, partial: Path) -> int | None:
        """Makes `partial` of a former snapshot; None where somebody has that open, or changes it.

        It is left where it is then, or is gone if it was begun.
        """
        with former.open("r+b") as copy:
            with held_alone(former, copy) as is_alone:
                if not is_alone:
                    return None
                blocks = self.snapshots.changed_blocks(former)
                former.replace(partial)  # what a kill leaves half done has the name of no snapshot
                open_to_group(partial, self.group)
                before = _changed_at(copy)
            # Takes long where every block is compared, so nobody is kept waiting for it.
            parts = differing(self.source, copy, blocks)
            is_little = sum(length for _, length in parts) <= PATCH_BYTES
            with held_alone(partial, copy) as is_alone:
                if is_little and is_alone and _changed_at(copy) == before:
                    return patch(self.source, copy, parts)
        partial.unlink()
        return None

    def _create(self, partial: Path) -> BinaryIO:
        partial.touch(mode=0o600)
        open_to_group(partial, self.group)
        return partial.open("wb")


def _changed_at(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_ctime_ns
