"""The file of the SQLite buffer: how it is made, recognised and opened.

A file of another program, or of a newer version of this one, is never changed.
"""

from __future__ import annotations

import sqlite3
import struct
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from connector.errors import BufferRefused, BufferUnavailable

APPLICATION_ID = 0x464C5542  # "FLUB": marks the file as a fluents-warehouse buffer
USER_VERSION = 1
BUSY_SECONDS = 5.0  # a commit of another process takes milliseconds; a stuck one ends as a 503

_ANOTHER = "Name another file with buffer_path in fluents.toml."


def connect(path: Path) -> sqlite3.Connection:
    """A connection whose commits are on disk when they return."""
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("pragma synchronous = full")
    return connection


def create(connection: sqlite3.Connection) -> None:
    """Makes the tables if the file is empty, and switches it to WAL mode."""
    # Made in rollback mode, so that the marks are in the file's header, where
    # `refuse_foreign` looks for them, before the first WAL exists.
    with transaction(connection):
        if connection.execute("pragma user_version").fetchone()[0] == 0:
            schema = resources.files("connector.buffer").joinpath("schema.sql").read_text()
            for statement in _statements(schema):
                connection.execute(statement)
            connection.execute(
                "insert into buffer (only_row, buffer_id) values (1, ?)", (str(uuid.uuid4()),)
            )
            connection.execute(f"pragma application_id = {APPLICATION_ID}")
            connection.execute(f"pragma user_version = {USER_VERSION}")
    # SQLite does not wait by itself where two processes switch a new file at once.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A write transaction: committed at the end of the block, undone by any error in it."""
    connection.execute("begin immediate")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        # SQLite may have rolled back by itself (a full disk does that); the error that
        # started it is the one to report.
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def refuse_foreign(path: Path) -> None:
    """Raises `BufferRefused` by the file's first 100 bytes, without SQLite touching it."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return
    except IsADirectoryError:
        raise BufferRefused(f"{path} is a folder. {_ANOTHER}") from None
    except OSError as error:
        raise unavailable(path, error) from error
    if not header:
        return  # SQLite itself starts from an empty file
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise BufferRefused(f"{path} is not a staging buffer; it was left unchanged. {_ANOTHER}")
    # https://www.sqlite.org/fileformat.html#the_database_header
    (version,) = struct.unpack_from(">i", header, 60)
    (application,) = struct.unpack_from(">i", header, 68)
    if application != APPLICATION_ID:
        raise BufferRefused(
            f"{path} is a SQLite database of another program; it was left unchanged. {_ANOTHER}"
        )
    if version > USER_VERSION:
        raise BufferRefused(
            f"{path} was written by a newer fluents-warehouse (buffer format {version}, this one "
            f"knows {USER_VERSION}); it was left unchanged. Install the newer version again."
        )


def unavailable(path: Path, error: Exception) -> BufferUnavailable:
    """What to tell the user when SQLite or the file system refuses."""
    return BufferUnavailable(
        f"The staging buffer {path} cannot be used: {error}. Nothing was stored. Look at free "
        "space, permissions and what else holds the file."
    )


def _statements(script: str) -> Iterator[str]:
    # executescript() would commit the transaction that creates the buffer.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
