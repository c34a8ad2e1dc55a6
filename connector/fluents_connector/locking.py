"""Locks that end with the process that has them, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from fluents_connector.errors import FluentsError


@contextmanager
def only_one(path: Path, taken: FluentsError) -> Iterator[None]:
    """Holds the lock at `path`. Raises `taken` where another process has it, and `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise taken from None
    try:
        yield
    finally:
        lock.release()
