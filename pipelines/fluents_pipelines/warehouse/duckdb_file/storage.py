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


def make(path: Path) -> None:
    """Makes an empty file. Raises `duckdb.Error`."""
    duckdb.connect(str(path), config=FORMAT).close()


def connect(path: Path, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """Opens the file to write. Raises `duckdb.Error`."""
    limits: dict[str, Any] = {"memory_limit": memory_limit, "python_enable_replacements": False}
    return duckdb.connect(str(path), config=limits | COMPRESSION)
