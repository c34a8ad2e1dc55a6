"""Who may read the files: their owner alone, and the published ones also a group of the settings.

The command line makes all files and folders for their owner only, by its umask. Permissions that an
older version, or a program of the user's with another umask, gave to others are taken away here.
"""

from __future__ import annotations

import grp
import os
from contextlib import suppress
from pathlib import Path

OWNER_ONLY = 0o077  # the umask


def close(*paths: Path) -> None:
    """Takes all permissions on files and folders from everybody but their owner."""
    for path in paths:
        with suppress(OSError):  # it does not exist, or is another user's
            mode = path.stat().st_mode & 0o7777
            if mode & OWNER_ONLY:
                path.chmod(mode & ~OWNER_ONLY)


def open_to_group(path: Path, group: str) -> None:
    """Lets the owner and `group` read a file or folder; the owner alone if `group` is empty.

    Raises `OSError` if this process may not give it to that group.
    """
    mode = path.stat().st_mode & 0o700
    if group:
        os.chown(path, -1, grp.getgrnam(group).gr_gid)
        mode |= (mode >> 3) & 0o050  # never to write
    path.chmod(mode)
