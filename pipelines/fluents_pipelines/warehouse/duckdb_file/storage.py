"""How the loader's file is stored: its format, and how what is in it is compressed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

# What DuckDB 2 writes by default, no 1.x can read, and most tools come with a DuckDB of their own.
# A file keeps its format for good.
FORMAT: dict[str, Any] = {"storage_compatibility_version": "v1.5.0"}

# DuckDB itself compresses text by ZSTD only from an average of 4,096 bytes on, and its lighter
# methods give up a column in which some of it is long. So payloads and transcripts, two thirds of
# the file, would not be compressed. Whatever can read the format can read ZSTD.
COMPRESSION: dict[str, Any] = {"zstd_min_string_length": 32}


# DuckDB checkpoints at a commit by which its log would grow beyond this, and then writes no log for
# that commit.
CHECKPOINT_LATER = "set global checkpoint_threshold = '256MB'"
"""For what is not made visible next: each checkpoint writes the blocks anew that it adds to.

Not more, as whoever opens the file after a kill reads the log again.
"""
CHECKPOINT_AT_ONCE = "set global checkpoint_threshold = '0B'"
"""For the commit after which all is made visible, which needs a checkpoint."""


def make(path: Path) -> None:
    """Makes an empty file. Raises `duckdb.Error`."""
    duckdb.connect(str(path), config=FORMAT).close()


def connect(path: Path, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """Opens the file to write. Raises `duckdb.Error`."""
    limits: dict[str, Any] = {"memory_limit": memory_limit, "python_enable_replacements": False}
    connection = duckdb.connect(str(path), config=limits | COMPRESSION)
    # for its cursors, too
    connection.execute("set global TimeZone = 'UTC'")
    connection.execute(CHECKPOINT_LATER)
    return connection
