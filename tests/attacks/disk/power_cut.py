"""What is on a disk after a power cut, given all that was written to it and synced.

The disk is as bad as Linux lets it be (https://www.usenix.org/conference/atc20/presentation/rebello):
nothing reaches it before a sync, and what a failed sync should have written is given up for good.
It stays readable until the power cut, and the next sync, which has nothing left to do, succeeds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PAGE = 4096  # the kernel gives up whole pages


@dataclass(slots=True)
class _File:
    seen: bytearray = field(default_factory=bytearray)
    """What programs read."""
    kept: bytearray = field(default_factory=bytearray)
    """What a power cut leaves."""
    dirty: set[int] = field(default_factory=set)

    def write(self, offset: int, data: bytes) -> None:
        self._grow(self.seen, offset + len(data))
        self.seen[offset : offset + len(data)] = data
        self.dirty.update(range(offset // PAGE, (offset + len(data) - 1) // PAGE + 1))

    def sync(self, is_good: bool) -> None:
        if is_good:
            del self.kept[len(self.seen) :]
            for page in self.dirty:
                part = self.seen[page * PAGE : (page + 1) * PAGE]
                self._grow(self.kept, page * PAGE + len(part))
                self.kept[page * PAGE : page * PAGE + len(part)] = part
        self.dirty.clear()

    @staticmethod
    def _grow(content: bytearray, size: int) -> None:
        content.extend(bytes(max(0, size - len(content))))


def cut_power(record: Path, folder: Path) -> None:
    """Leaves in `folder` the files that `record` (see `faulty.c`) tells of, by their names."""
    files: dict[str, _File] = defaultdict(_File)
    for call, result, offset, path, data in _calls(record):
        name = Path(path).name
        if call == "s":
            files[name].sync(result == 0)
        elif result == 0 and call == "u":
            files.pop(name, None)
        elif result == 0 and call == "t":
            del files[name].seen[offset:]
        elif result > 0:
            files[name].write(offset, data)
    folder.mkdir()
    for name, file in files.items():
        if file.kept and not name.endswith(("-shm", "-journal")):
            (folder / name).write_bytes(file.kept)


def _calls(record: Path) -> Iterator[tuple[str, int, int, str, bytes]]:
    with record.open("rb") as lines:
        for line in lines:
            call, result, offset, path = line.decode().rstrip("\n").split(" ", 3)
            data = lines.read(max(0, int(result))) if call == "w" else b""
            yield call, int(result), int(offset), path, data
