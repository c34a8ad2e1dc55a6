"""Publishes the warehouse: readers get a copy of the file, put in place by rename.

A reader that has the old file open keeps reading it; whoever opens the path next gets the new
one. So readers never block the loader, and the loader never blocks readers.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import duckdb

from connector.errors import LoadFailed


class Publisher:
    """Copies the loader's file to the path that readers know."""

    def __init__(self, source: Path, target: Path) -> None:
        self.source = source
        self.target = target
        # Kept open until the end: POSIX drops all locks that a process has on a file when the
        # process closes any descriptor of it, and DuckDB's lock would go with this one.
        self._source_file: BinaryIO | None = None

    def publish(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Copies and renames. No transaction may be open. Raises `LoadFailed`."""
        partial = self.target.with_name(f".{self.target.name}.partial")
        try:
            connection.execute("checkpoint")
            if self._source_file is None:
                self._source_file = self.source.open("rb")
            self._source_file.seek(0)
            self.target.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as copy:
                shutil.copyfileobj(self._source_file, copy, 4 * 1024**2)
                copy.flush()
                os.fsync(copy.fileno())
            # A reader that opened the old file for writing may have left its log beside it;
            # DuckDB would refuse the new file with it.
            self.target.with_name(f"{self.target.name}.wal").unlink(missing_ok=True)
            partial.replace(self.target)
        except (OSError, duckdb.Error) as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise LoadFailed(
                f"The warehouse holds everything, but {self.target} could not be published: "
                f"{error}. The next load publishes it again."
            ) from error

    def close(self) -> None:
        """Gives up the source file. Only after its connection is closed."""
        if self._source_file is not None:
            self._source_file.close()
