"""Room on a disk, which the loader leaves to the receiver: what it has not stored is lost."""

from __future__ import annotations

import shutil
from pathlib import Path


def has_room(folder: Path, needed: int, reserve: int) -> bool:
    """Whether `needed` more bytes at `folder` leave `reserve` bytes free on its file system.

    A folder that is not there yet is judged by the nearest above it that is.
    """
    return free_bytes(folder) - needed >= reserve


def free_bytes(folder: Path) -> int:
    """What this user can still write to the file system of `folder`."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free
