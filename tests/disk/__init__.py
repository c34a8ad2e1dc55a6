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

SOURCE = Path(__file__).with_name("faulty.c")

FULL = f"{errno.ENOSPC} w"
READ_ONLY = f"{errno.EROFS} wo"
NO_SYNC = f"{errno.EIO} s"


def compile_faulty(folder: Path) -> Path:
    """Compiles `faulty.c` with the system's C compiler, `cc`."""
    library = folder / "faulty.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
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
    """A tmpfs of 4 MB at `folder`, for the process that is started `within`, and its children."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        mount = 'mount -t tmpfs -o size=4m none "$0" && mkdir "$0/tmp" && exec "$@"'
        self.within = ["unshare", "-rm", "sh", "-c", mount, str(folder)]
        self.env = {"TMPDIR": str(folder / "tmp")}

    @contextmanager
    def full(self, pid: int) -> Iterator[None]:
        """Has no byte left, where `pid` was started within it."""
        ballast = self._seen_by(pid) / "ballast"
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(4096)):
                pass
        assert shutil.disk_usage(ballast).free == 0
        yield
        ballast.unlink()

    def copy(self, pid: int, target: Path) -> None:
        """Copies its database files to `target`, at a time when nobody writes."""
        target.mkdir()
        for file in self._seen_by(pid).glob("buffer.sqlite*"):
            shutil.copy(file, target)

    def _seen_by(self, pid: int) -> Path:
        return Path(f"/proc/{pid}/root{self.folder}")
