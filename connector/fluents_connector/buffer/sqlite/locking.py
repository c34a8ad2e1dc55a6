"""Write transactions: SQLite's lock is passed on between receiver processes and the loader."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

WAIT_SECONDS = 0.0002  # between two tries; a commit of another process takes about a millisecond


@contextmanager
def transaction(connection: sqlite3.Connection, seconds: float) -> Iterator[None]:
    """A write transaction: committed at the end of the block, undone by any error in it.

    Waits for the lock for `seconds` at most. Raises `sqlite3.OperationalError`.
    """
    _begin(connection, seconds)
    try:
        yield
        connection.execute("commit")
    except BaseException:
        # SQLite may have rolled back by itself (a full disk does that); the error that started it
        # is the one to report.
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def _begin(connection: sqlite3.Connection, seconds: float) -> None:
    # SQLite's own waiting sleeps for longer with each try, up to 0.1 s, while the other processes
    # commit many times.
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
