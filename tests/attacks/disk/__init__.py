"""A disk that is full, read-only or failing, under real processes of ours.

`faulty.c` is preloaded into them and answers for the kernel while a fault lasts; `SmallDisk` is
a tmpfs of a few megabytes, really full. `power_cut` works out what a disk that forgets what it
could not sync holds after a power cut.
"""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests import needs

SOURCE = Path(__file__).with_name("faulty.c")

FULL = f"{errno.ENOSPC} w"
READ_ONLY = f"{errno.EROFS} wo"
NO_SYNC = f"{errno.EIO} s"


def compile_faulty(folder: Path) -> Path:
    """Compiles `faulty.c` with the system's C compiler, `cc`."""
    library = folder / "faulty.so"
    command = [
        needs.program("cc"),
        "-shared",
        "-fPIC",
        "-O1",
        "-o",
        str(library),
        str(SOURCE),
        "-ldl",
    ]
    subprocess.run(command, check=True)
    return library


class FaultyDisk:
    """The disk of `folder`, for processes that are started with `env`."""

    def __init__(self, library: Path, folder: Path) -> None:
        self._fault = folder / "fault"
        self.record = folder / "record"
        self.env = {
            "LD_PRELOAD": str(library),
            "DISK_FOLDER": str(folder),
            "DISK_FAULT": str(self._fault),
        }

    @contextmanager
    def fails(self, fault: str, *, on: str = "") -> Iterator[None]:
        """Has calls fail as `fault` says, on files whose path ends in `on`."""
        text = self._fault.with_suffix(".new")
        text.write_text(f"{fault} {on}")
        text.replace(self._fault)
        try:
            yield
        finally:
            self._fault.unlink()


class SmallDisk:
    """A tmpfs at `folder`, for the process that is started `within`, and its children."""

    def __init__(self, folder: Path, megabytes: int = 4) -> None:
        needs.small_disks()
        self.folder = folder
        mount = f'mount -t tmpfs -o size={megabytes}m none "$0" && mkdir "$0/tmp" && exec "$@"'
        self.within = ["unshare", "-rm", "sh", "-c", mount, str(folder)]
        self.env = {"TMPDIR": str(folder / "tmp")}

    @contextmanager
    def full(self, pid: int, leave: int = 0) -> Iterator[None]:
        """Has `leave` bytes left, in pages of 4,096, where `pid` was started within it."""
        ballast = self.seen_by(pid) / "ballast"
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while shutil.disk_usage(ballast).free > leave:
                file.write(bytes(4096))
        assert shutil.disk_usage(ballast).free == leave
        yield
        ballast.unlink()

    def copy(self, pid: int, target: Path) -> None:
        """Copies its database files to `target`, at a time when nobody writes."""
        target.mkdir()
        for file in self.seen_by(pid).glob("buffer.sqlite*"):
            shutil.copy(file, target)

    def seen_by(self, pid: int) -> Path:
        """The folder as `pid` has it."""
        return Path(f"/proc/{pid}/root{self.folder}")
