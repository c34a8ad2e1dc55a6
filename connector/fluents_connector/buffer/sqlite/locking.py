"""Waiting for SQLite's write lock, which receiver processes and the loader pass to each other."""

from __future__ import annotations

import sqlite3
import time

WAIT_SECONDS = 0.0002  # between two tries; a commit of another process takes about a millisecond


def begin(connection: sqlite3.Connection, seconds: float) -> None:
    """Starts a write transaction, waiting for the lock for `seconds` at most.

    Raises `sqlite3.OperationalError`. SQLite's own waiting sleeps for longer with each try, up to
    0.1 s, while the other processes commit many times.
    """
    deadline = time.monotonic() + seconds
    connection.execute("pragma busy_timeout = 0")
    try:
        while True:
            try:
                connection.execute("begin immediate")
            except sqlite3.OperationalError as error:
                is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not is_busy or time.monotonic() > deadline:
                    raise
                time.sleep(WAIT_SECONDS)
            else:
                return
    finally:
        connection.execute(f"pragma busy_timeout = {int(seconds * 1000)}")
