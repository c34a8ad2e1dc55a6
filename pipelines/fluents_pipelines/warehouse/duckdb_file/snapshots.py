"""The snapshots beside a published path: the current one, and former ones to make the next from.

Of each it is known which blocks of the loader's file can have changed since, as long as every
checkpoint of that was seen (`blocks`). A file beside them keeps this for the next loader; it counts
only while the loader's file is where that left it. What is not known is compared whole.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from fluents_connector.files import write_whole
from fluents_pipelines.warehouse.duckdb_file.blocks import checkpoint_of
from fluents_pipelines.warehouse.duckdb_file.files import snapshots_in, snapshots_of

RECORD = "blocks.json"


@dataclass(slots=True)
class _Known:
    """Of one snapshot: what its file was when it was made, and the blocks that differ since."""

    identity: list[int]
    blocks: set[int] | None = field(default_factory=set)


class Snapshots:
    """The snapshots of `target`, and what is known of their blocks.

    `source` is the loader's file, with the id `snapshot`, as the last loader left it.
    """

    def __init__(self, target: Path, source: BinaryIO, snapshot: str | None) -> None:
        self.folder = snapshots_of(target)
        self.partial = self.folder / "snapshot.partial"
        self._target = target
        self._source = source
        self._last = checkpoint_of(source)
        self._known = self._left_known(snapshot)

    def path(self, snapshot: str) -> Path:
        """Where the snapshot of an id lies."""
        # DuckDB names a database after what is before the first dot
        return self.folder / f"{self._target.name}.{snapshot}"

    def see(self) -> None:
        """Looks at the loader's file. Needed at least once for each of its checkpoints."""
        last, now = self._last, checkpoint_of(self._source)
        self._last = now
        if last and now and now.number == last.number:
            return
        for known in self._known.values():
            if known.blocks is not None and last and now and now.number == last.number + 1:
                known.blocks |= last.writable
            else:
                known.blocks = None

    def former(self) -> list[Path]:
        """Those that are not published any more, the newest first."""
        current = self._current()
        return [path for path in snapshots_in(self._target) if path.name != current]

    def changed_blocks(self, former: Path) -> set[int] | None:
        """The blocks that can differ from the loader's file now; None where that is not known.

        It is not where somebody wrote into the snapshot.
        """
        known = self._known.get(former.name)
        return known.blocks if known and known.identity == _identity(former) else None

    def made(self, path: Path, snapshot: str, former_kept: int) -> None:
        """Notes that `path` is published now and equals the loader's file, and tidies up."""
        self.tidy(former_kept)
        self._known = {
            name: known for name, known in self._known.items() if (self.folder / name).exists()
        }
        with suppress(FileNotFoundError):  # where there are no links it lies at the target
            self._known[path.name] = _Known(_identity(path))
        record: dict[str, Any] = {
            "left_at": [snapshot, self._last.number if self._last else None],
            "known": {
                name: (known.identity, None if known.blocks is None else sorted(known.blocks))
                for name, known in self._known.items()
            },
        }
        write_whole(self.folder / RECORD, json.dumps(record))

    def tidy(self, kept: int) -> None:
        """Deletes all but the current snapshot, some former ones, and what readers left.

        Whoever has a deleted file open keeps it.
        """
        current = self._current()
        former = [path.name for path in self.former()[:kept]]
        for path in self.folder.iterdir():
            is_kept = path.name in (RECORD, *former) or (
                current is not None and path.name.startswith(current)
            )
            # a folder is where a reader spills to: it fails without, and DuckDB deletes it itself
            if not is_kept and (path.is_symlink() or not path.is_dir()):
                path.unlink(missing_ok=True)

    def _left_known(self, snapshot: str | None) -> dict[str, _Known]:
        """What a former loader left, if the loader's file is the one that it left."""
        try:
            record = json.loads((self.folder / RECORD).read_bytes())
            if self._last is None or record["left_at"] != [snapshot, self._last.number]:
                return {}
            return {
                name: _Known(identity, None if blocks is None else set(blocks))
                for name, (identity, blocks) in record["known"].items()
            }
        except (OSError, ValueError, KeyError, TypeError):
            return {}  # there is none, or it is no record of this version

    def _current(self) -> str | None:
        return self._target.readlink().name if self._target.is_symlink() else None


def _identity(path: Path) -> list[int]:
    """Changes with each write to a file, also where somebody sets its time of writing back."""
    found = path.stat()
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]
