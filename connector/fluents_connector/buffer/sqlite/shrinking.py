"""Gives back to the disk what a flood took, once that is loaded and discarded.

SQLite fills the pages of deleted rows again and keeps the file as it is, which suits what comes
evenly: taking each page away, to add another soon, would write everything twice. So a file shrinks
only where more of it is free than in use, and by a little at a time: receivers wait for the lock no
longer than for another's commit.
"""

from __future__ import annotations

import sqlite3

from fluents_connector.buffer.sqlite.file import SqliteFile

PAGES = 500  # 2 MB, in one short transaction
STEPS = 20  # after a load, which is not to be held up either; the next goes on
LEFT_FREE = 4_096  # pages, 16 MB, for which no file is touched
MOST_AT_ONCE = 16_384  # pages in use, 64 MB, that are rewritten while receivers wait


def shrink(file: SqliteFile) -> None:
    """Takes some free pages off the end of a file that has many. Raises `BufferUnavailable`."""
    with file.reading() as connection:
        if not _is_mostly_free(connection):
            return
        can_shrink = _number(connection, "auto_vacuum") != 0
        in_use = _number(connection, "page_count") - _number(connection, "freelist_count")
    if not can_shrink:  # an older version made it
        if in_use <= MOST_AT_ONCE:
            file.rewrite()
        return
    for _ in range(STEPS):
        with file.writing(is_note=True) as connection:
            if not _is_mostly_free(connection):
                return
            for _ in range(PAGES):  # Python takes the first step of a statement without columns
                connection.execute("pragma incremental_vacuum(1)")


def _is_mostly_free(connection: sqlite3.Connection) -> bool:
    free = _number(connection, "freelist_count")
    return free > LEFT_FREE and free > _number(connection, "page_count") // 2


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    (value,) = connection.execute(f"pragma {pragma}").fetchone()
    return int(value)
