"""Room on a disk, which the loader leaves to the receiver: what it has not stored is lost."""

from __future__ import annotations

import shutil
from contextlib import closing, suppress
from pathlib import Path

import duckdb

ENGINES = 2
"""That spill for a load: the normalizer's and the warehouse's."""


def has_room(folder: Path, needed: int, reserve: int) -> bool:
    """Whether `needed` more bytes at `folder` leave `reserve` bytes free on its file system.

    A folder that is not there yet is judged by the nearest above it that is.
    """
    return free_bytes(folder) - needed >= reserve


def free_bytes(folder: Path) -> int:
    """What this user can still write to the file system of `folder`."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free


def limit_spilling(connection: duckdb.DuckDBPyConnection, folder: Path, reserve: int) -> None:
    """Lets an engine spill its part of what `folder` has free beyond the reserve, and no more.

    Beyond that it is out of memory, which halves the batch.
    """
    most = max(0, free_bytes(folder) - reserve) // ENGINES
    # a cursor, as the connection may be at work; refused where more is spilled at the moment
    with closing(connection.cursor()) as cursor, suppress(duckdb.Error):
        cursor.execute(f"set max_temp_directory_size = '{most}B'")
