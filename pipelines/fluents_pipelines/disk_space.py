"""Room on a disk, which the loader leaves to the receiver: what it has not stored is lost."""

from __future__ import annotations

import shutil
from contextlib import closing, suppress
from pathlib import Path

import duckdb

from fluents_connector.errors import LoadFailed

COPIES = 3
"""Of its rows that a batch may write: dlt's Parquet, DuckDB's log, and the warehouse itself."""

MEGABYTE = 1024**2

ENGINES = 2
"""That spill for a load: the normalizer's and the warehouse's."""


def has_room(folder: Path, needed: int, reserve: int) -> bool:
    """Whether `needed` more bytes at `folder` leave `reserve` bytes free on its file system.

    A folder that is not there yet is judged by the nearest above it that is.
    """
    return free_bytes(folder) - needed >= reserve


def require_room(folder: Path, row_bytes: int, reserve: int) -> None:
    """Raises `LoadFailed` where a batch of so many bytes would take what the receiver stores on."""
    needed = row_bytes * COPIES
    if not has_room(folder, needed, reserve):
        free = free_bytes(folder) / MEGABYTE
        raise LoadFailed(
            f"The load waits for space: {folder} has {free:,.0f} MB free, and a batch takes "
            f"{needed / MEGABYTE:,.1f} MB beside the {reserve / MEGABYTE:,.0f} MB of "
            "`disk_reserve_bytes` that it leaves to the receiver. Nothing is lost: the buffer "
            "keeps it. Make room, or set that lower; the next load goes on by itself."
        )


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
