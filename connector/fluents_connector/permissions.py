"""Who may read our files: their owner, and where the settings name one, a group the published ones.

The command line makes all files and folders for the owner only (its umask). What an older version,
or a program of the user's own with another umask, made wider is closed here.
"""

from __future__ import annotations

import grp
import os
from contextlib import suppress
from pathlib import Path

OWNER_ONLY = 0o077  # the umask


def close(*paths: Path) -> None:
    """Takes from files and folders of ours what others may do with them."""
    for path in paths:
        with suppress(OSError):  # not there, or another user's
            mode = path.stat().st_mode & 0o7777
            if mode & OWNER_ONLY:
                path.chmod(mode & ~OWNER_ONLY)


def open_to_group(path: Path, group: str) -> None:
    """Lets `group` read a file or folder, or nobody but its owner where that is empty.

    Raises `OSError` where this process may not give it to that group.
    """
    mode = path.stat().st_mode & 0o700
    if group:
        os.chown(path, -1, grp.getgrnam(group).gr_gid)
        mode |= (mode >> 3) & 0o050  # never to write
    path.chmod(mode)
