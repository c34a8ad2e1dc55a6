"""Whether anybody has a file open, as the kernel knows it."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def held_alone(path: Path, file: BinaryIO) -> Iterator[bool]:
    """Whether nobody but `file`, which has `path` open for writing, has it open in any way.

    That is a lease of the kernel (fcntl(2), `F_SETLEASE`): it is refused while a database, a copy,
    a backup or a mapping has the file open, in this process too. DuckDB's own lock would tell of
    DuckDB alone. Whoever opens the file within the block waits until its end, but no longer than
    /proc/sys/fs/lease-break-time (45 s): what changes the file must be done by then.

    False also where that cannot be known: a file of another owner, one with a second name, a file
    system that has no leases or gives them to anybody, another system than Linux.
    """
    is_alone = _is_known(path, file) and _lease(file)
    try:
        yield is_alone
    finally:
        if is_alone:
            with suppress(OSError):  # the kernel took it back: somebody waited for too long
                fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def _is_known(path: Path, file: BinaryIO) -> bool:
    """Whether a lease is refused while the file is open a second time."""
    if sys.platform != "linux" or os.fstat(file.fileno()).st_nlink != 1:
        return False
    with path.open("rb"):
        return not _lease(file)


def _lease(file: BinaryIO) -> bool:
    try:
        # In place of SIGIO, which would end the process when somebody opens the file.
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError:
        return False
    return True
