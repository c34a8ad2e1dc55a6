"""Files that are there whole or not at all, whatever ends the writing of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def written_whole(target: Path, partial: Path | None = None) -> Iterator[Path]:
    """A path to write a file to, which takes the place of `target` when the block ends.

    It is `partial`, or `target` with `.partial` behind its name, in either case on the same file
    system. Nothing is there when the block begins. `target` stays as it is until the file is on
    the disk, and for good where the block raises; what was written goes then. What a kill leaves
    of it goes with the next writing.
    """
    partial = partial or target.with_name(f"{target.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(target)
        sync_folder(target.parent)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
