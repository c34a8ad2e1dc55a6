"""Where the files of this warehouse lie, who may write them, and how they are copied."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

FILE = "warehouse.duckdb"
"""The loader's own file, in `data_dir`."""


def partial_of(path: Path) -> Path:
    """Where what is to be at `path` is written first, by the loader alone."""
    return path.with_name(f"{path.name}.partial")


def forget_partial(path: Path) -> None:
    """Deletes what a kill left there, and its log, which DuckDB would take for that of a new one.

    Only for who has the lock of the loads.
    """
    partial = partial_of(path)
    for leftover in (partial, partial.with_name(f"{partial.name}.wal")):
        leftover.unlink(missing_ok=True)


def snapshots_of(target: Path) -> Path:
    """The folder of the snapshots that a published path leads to."""
    return target.with_name(f".{target.name}.snapshots")


def snapshots_in(target: Path) -> list[Path]:
    """All snapshots of a published path, the newest first."""
    found = [
        path
        for path in snapshots_of(target).glob(f"{target.name}.*")
        if path.is_file() and not path.is_symlink() and path.suffix != ".wal"
    ]
    return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def identity(path: Path) -> tuple[int, ...] | None:
    """Changes when another file, or another content, is at the path; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


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
