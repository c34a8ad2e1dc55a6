"""Copies a buffer while it is in use, and puts a copy in the place of a buffer that is not.

A backup is one file of one moment. It is read in one transaction, during which receivers go on
storing; it ends however many events come, as SQLite's log keeps the pages of the moment.
A restore keeps the former buffer, with its log, under another name beside it.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from fluents_connector.buffer.sqlite.check import check_buffer
from fluents_connector.buffer.sqlite.file import (
    as_unavailable,
    make_shrinkable,
    open_to_read,
    refuse_foreign,
)
from fluents_connector.buffer.store import Restored
from fluents_connector.errors import BufferRefused
from fluents_connector.files import sync, written_whole

# https://www.sqlite.org/src/file/src/os.h: who has a database in WAL mode open locks some of these
_SHARED_FIRST, _SHARED_SIZE = 0x40000002, 510


def backup(path: Path, target: Path, *, overwrite: bool = False) -> int:
    """Writes the buffer at `path` to `target`, readable by its owner only; returns its deliveries.

    Raises `BufferRefused` where `target` is there or the buffer is damaged, and
    `BufferUnavailable`. Nothing is at `target` before all of it is whole and synced.
    """
    refuse_foreign(path)
    if target.exists() and (not overwrite or _is_one_of(path, target)):
        raise BufferRefused(f"{target} is there already and was not changed. Name another file.")
    with as_unavailable(target):
        try:
            with written_whole(target, overwrite=overwrite) as partial:
                deliveries = _copy(path, partial)
        except FileExistsError:
            raise BufferRefused(f"{target} is there already and was not changed.") from None
        sync(target.parent)
    return deliveries


def restore(source: Path, path: Path, stamp: str) -> Restored:
    """Puts the buffer in `source` at `path`, and what was there aside, named by `stamp`.

    Raises `BufferRefused`, with nothing changed, where `source` is no whole buffer of this version
    or a receiver, a loader or another program has the buffer at `path` open.
    """
    refuse_foreign(source)
    if not source.stat().st_size:
        raise BufferRefused(f"{source} is empty, and no backup of a buffer.")
    if _is_one_of(path, source):
        raise BufferRefused(f"{source} is the buffer itself. Name a backup of it.")
    with as_unavailable(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with ExitStack() as until_replaced, written_whole(path) as partial:
            deliveries = _copy(source, partial)
            with suppress(sqlite3.Error), closing(sqlite3.connect(partial)) as copy:
                if copy.execute("pragma auto_vacuum").fetchone() == (0,):
                    make_shrinkable(copy)
            _fold_log(path)
            until_replaced.enter_context(_nobody_has(path))
            aside = _set_aside(path, stamp)
        sync(path.parent)
    return Restored(deliveries, aside)


def _copy(source: Path, partial: Path) -> int:
    """Copies a whole buffer into an empty file, and syncs that; returns its deliveries."""
    try:
        with closing(open_to_read(source)) as reader, closing(sqlite3.connect(partial)) as copy:
            reader.backup(copy)  # all pages in one step: more would start again at each commit
            copy.execute("pragma journal_mode = delete")  # one file, which needs no other
        for finding in check_buffer(partial):
            if not finding.is_right and finding.subject != "identity":
                raise BufferRefused(
                    f"{source} is damaged: {finding.detail} Nothing was changed. "
                    "`fluents-warehouse buffer recover` saves what can be read of a buffer."
                )
        with closing(open_to_read(partial)) as connection:
            (deliveries,) = connection.execute("select count(*) from deliveries").fetchone()
    finally:
        for suffix in ("-wal", "-shm", "-journal"):
            Path(f"{partial}{suffix}").unlink(missing_ok=True)
    sync(partial)
    return int(deliveries)


def _fold_log(path: Path) -> None:
    """Writes the log of a buffer into it, if it is whole, so that one rename replaces both."""
    if path.exists():
        with _nobody_has(path):
            pass
        with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as connection:
            connection.execute("pragma wal_checkpoint(truncate)")


@contextmanager
def _nobody_has(path: Path) -> Iterator[None]:
    """Keeps all others from opening the database. Raises `BufferRefused` where one has it open."""
    if not path.exists():
        yield
        return
    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SHARED_SIZE, _SHARED_FIRST)
        except OSError:
            raise BufferRefused(
                f"{path} is in use: stop the receiver and the loader (`run`, `serve`, `load`) "
                "first. Nothing was changed."
            ) from None
        yield


def _set_aside(path: Path, stamp: str) -> Path | None:
    """Gives the former buffer another name; its log, which fits no other file, is taken away."""
    logs = [Path(f"{path}{suffix}") for suffix in ("-wal", "-shm")]
    aside = path.with_name(f"{path.name}.replaced-{stamp}")
    for file in [*logs, path]:
        if file.exists():
            Path(f"{aside}{file.name.removeprefix(path.name)}").hardlink_to(file)
    for log in logs:
        log.unlink(missing_ok=True)
    return aside if aside.exists() else None


def _is_one_of(path: Path, file: Path) -> bool:
    own = [Path(f"{path}{suffix}") for suffix in ("", "-wal", "-shm")]
    return any(one.exists() and file.exists() and one.samefile(file) for one in own)
