"""The file of the SQLite buffer: how it is made, recognised, opened and noticed to be gone.

- A file of another program, or of a newer version of this one, is never changed.
- WAL mode and `synchronous=FULL`: a commit is on disk when it returns.
- A commit counts only if the path still leads to the file that it went to. SQLite would go on
  writing to a deleted file for as long as it is open, and lose all of that at the end.
- No commit goes behind another whose sync failed. SQLite writes the next over it; but a process
  that is killed and started again finds it whole in the page cache, though it may never reach the
  disk, and a power cut would then end the WAL there. So the WAL is emptied before the first
  promise, and what was refused is written over at once.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from fluents_connector.buffer.sqlite.locking import transaction
from fluents_connector.buffer.sqlite.schema import (
    APPLICATION_ID,
    USER_VERSION,
    is_current,
    is_newer,
    make_or_migrate,
)
from fluents_connector.errors import BufferRefused, BufferUnavailable

BUSY_SECONDS = 5.0  # a commit of another process takes milliseconds; a stuck one ends as a 503

_ANOTHER = "Name another file with buffer_path in fluents.toml."
_NEWER = (
    "was written by a newer fluents-warehouse; it was left unchanged. Install the newer version "
    "again."
)


class SqliteFile:
    """The open file at `path`: one connection to write, one to read, each with its lock.

    Raises `BufferRefused` and `BufferUnavailable`, from all methods.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._is_closed = False
        refuse_foreign(path)
        with as_unavailable(self.path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._open()

    @contextmanager
    def writing(self, *, is_note: bool = False) -> Iterator[sqlite3.Connection]:
        """A write transaction: on disk at the end of the block, undone by any error in it.

        If another file is at the path by now, it is opened and written to. A note is refused
        then: it is about what was read from the former file. A power cut may undo a note.
        """
        with self._write_lock, as_unavailable(self.path):
            if self._identity != self._identity_now():
                if is_note and self.path.exists():
                    raise OSError("another file was put in its place; open it again")
                self._open_again()
            if not is_note and not self._is_emptied:
                self._empty_wal()
            connection = self._writer
            try:
                with transaction(connection, BUSY_SECONDS):
                    yield connection
            except sqlite3.Error as error:
                if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_IOERR_FSYNC:
                    _write_over(connection)
                raise
            if self._identity != self._identity_now():
                raise OSError("the file was taken away while it was written")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection for reading, for one thread at a time."""
        with self._read_lock, as_unavailable(self.path):
            yield self._reader

    def rewrite(self) -> None:
        """Writes the file anew, without free pages and so that it can shrink from then on.

        All others wait meanwhile. Does nothing where it cannot have the lock or the room.
        """
        with self._write_lock, suppress(sqlite3.Error):
            if self._identity == self._identity_now():
                make_shrinkable(self._writer)

    def close(self) -> None:
        """Gives up the file. SQLite folds the WAL back when the last user closes."""
        with self._write_lock, self._read_lock:
            self._is_closed = True
            self._writer.close()
            self._reader.close()

    def _open(self) -> None:
        before = _inode(self.path)
        with ExitStack() as opened:
            writer = opened.enter_context(closing(_connect(self.path)))
            reader = opened.enter_context(closing(_connect(self.path)))
            create(writer)
            # SQLite makes the WAL at the first look, and from then on it has its identity
            writer.execute("select 1 from buffer").fetchone()
            if before not in (None, _inode(self.path)):
                raise OSError("another file was put in its place meanwhile; open it again")
            opened.pop_all()
        self._writer, self._reader = writer, reader
        self._is_emptied = False  # at the first promise, so that a full disk can still be read
        self._identity = self._identity_now()

    def _open_again(self) -> None:
        """Opens the file that is at the path now; waits, with an error, while there is none."""
        if self._is_closed:
            raise OSError("it was closed")
        if not self.path.exists():
            raise OSError("the file is gone; bring it back, or restart the receiver to make one")
        refuse_foreign(self.path)
        with self._read_lock:
            self._writer.close()
            self._reader.close()
            self._open()

    def _empty_wal(self) -> None:
        """Writes to the database, and syncs there, all that was found in the WAL."""
        deadline = time.monotonic() + BUSY_SECONDS
        while self._writer.execute("pragma wal_checkpoint(truncate)").fetchone()[0]:
            # SQLite does not wait by itself where another process does the same.
            if time.monotonic() > deadline:
                raise OSError("another process keeps its log in use")
            time.sleep(0.01)
        self._is_emptied = True

    def _identity_now(self) -> tuple[tuple[int, int] | None, ...]:
        """Which files are at the path: the database, and the WAL that the commits go to."""
        return tuple(_inode(path) for path in (self.path, f"{self.path}-wal"))


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("pragma synchronous = full")
    except sqlite3.Error:  # the file is damaged
        connection.close()
        raise
    return connection


def make_shrinkable(connection: sqlite3.Connection) -> None:
    """Writes the file anew, as one that `shrinking` can make smaller. Raises `sqlite3.Error`."""
    connection.execute("pragma auto_vacuum = incremental")
    connection.execute("vacuum")


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, not even by folding the WAL back when it is closed.

    Raises `BufferUnavailable`.
    """
    try:
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None
        )
    except sqlite3.Error as error:
        raise unavailable(path, error) from error


def _write_over(connection: sqlite3.Connection) -> None:
    """Replaces a commit that was refused, but stands in the WAL, by one that says nothing."""
    with suppress(sqlite3.Error):  # its sync fails as well, most likely; being written is enough
        connection.execute("update buffer set checked = checked + 1")


def _inode(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 # at each commit, and pathlib is slower
    except OSError:
        return None
    return found.st_dev, found.st_ino


def create(connection: sqlite3.Connection) -> None:
    """Makes the tables if the file is empty, migrates older ones, and switches it to WAL mode.

    A file that is as it should be is opened without a write lock, so that `status` need not wait
    for somebody who holds it. Raises `BufferRefused` if only its log says that a newer version
    wrote it.
    """
    if is_current(connection) and connection.execute("pragma journal_mode").fetchone() == ("wal",):
        return
    is_new = connection.execute("pragma page_count").fetchone() == (0,)
    # Made in rollback mode, so that the marks are in the file's header, where
    # `refuse_foreign` looks for them, before the first WAL exists.
    with transaction(connection, BUSY_SECONDS):
        if is_newer(connection):
            raise BufferRefused(f"The staging buffer {_NEWER}")
        is_migrated = make_or_migrate(connection)
    if is_new:  # not before, as SQLite would write a file without the marks for it
        with suppress(sqlite3.OperationalError):  # another process has it; `shrinking` does it then
            make_shrinkable(connection)
    # SQLite does not wait by itself where two processes switch a new file at once.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
            if is_migrated:  # into the header, where an older version looks before it opens the log
                connection.execute("pragma wal_checkpoint(passive)")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


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
        raise BufferRefused(
            f"{path} is not a staging buffer, or its beginning is damaged; it was left unchanged. "
            f"{_ANOTHER}"
        )
    # https://www.sqlite.org/fileformat.html#the_database_header
    (version,) = struct.unpack_from(">i", header, 60)
    (application,) = struct.unpack_from(">i", header, 68)
    if application != APPLICATION_ID:
        raise BufferRefused(
            f"{path} is a SQLite database of another program; it was left unchanged. {_ANOTHER}"
        )
    if version > USER_VERSION:
        raise BufferRefused(f"{path} {_NEWER} Its format is {version}, known is {USER_VERSION}.")


@contextmanager
def as_unavailable(path: Path) -> Iterator[None]:
    """Raises `BufferUnavailable` for what SQLite or the file system says."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise unavailable(path, error) from error


def unavailable(path: Path, error: Exception) -> BufferUnavailable:
    """What to tell the user when SQLite or the file system refuses."""
    advice = "Look at free space, permissions and what else holds the file."
    if getattr(error, "sqlite_errorcode", 0) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        advice = "The file is damaged: run `fluents-warehouse buffer recover`."
    return BufferUnavailable(
        f"The staging buffer {path} cannot be used: {error}. Nothing was stored. {advice}"
    )
