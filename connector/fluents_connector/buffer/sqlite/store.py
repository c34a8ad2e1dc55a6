"""The place of a SQLite buffer: a path, whatever file is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fluents_connector.buffer.limits import Limits
from fluents_connector.buffer.sqlite import backup, check, recover
from fluents_connector.buffer.sqlite.buffer import SqliteBuffer
from fluents_connector.buffer.sqlite.file import as_unavailable
from fluents_connector.buffer.store import Confirmed, Finding, Recovered, Restored
from fluents_connector.errors import BufferUnavailable
from fluents_connector.permissions import close

_NO_LIMITS = Limits()


class SqliteStore:
    """A `BufferStore` at `path`. What is opened there keeps to `limits`."""

    def __init__(self, path: Path, limits: Limits = _NO_LIMITS) -> None:
        self.path = path
        self._limits = limits

    @property
    def description(self) -> str:
        """The path of the file."""
        return str(self.path)

    def exists(self) -> bool:
        """Whether there is a file."""
        return self.path.exists()

    def require(self) -> None:
        """Raises `BufferUnavailable` where there is no file (any more)."""
        if not self.exists():
            raise BufferUnavailable(
                f"The staging buffer {self.description} is gone. Bring it back, or restart the "
                "receiver to make one."
            )

    def open(self) -> SqliteBuffer:
        """The buffer in the file, which is made if it is not there."""
        close(*(Path(f"{self.path}{suffix}") for suffix in ("", "-wal", "-shm")))
        return SqliteBuffer(self.path, self._limits)

    def findings(self) -> Iterator[Finding]:
        """Each finding as it is made."""
        return check.check_buffer(self.path)

    def confirmed(self) -> Confirmed:
        """What the warehouse confirmed."""
        return check.confirmed(self.path)

    def ids_up_to(self, position: int) -> Iterator[list[str]]:
        """The ids of the deliveries that are kept up to a position, in groups."""
        return check.ids_up_to(self.path, position)

    def backup(self, target: Path, *, overwrite: bool = False) -> int:
        """Writes all of one moment to a file of the same format."""
        return backup.backup(self.path, target, overwrite=overwrite)

    def restore(self, source: Path, stamp: str) -> Restored:
        """Puts the file `source` at the path, and what was there beside it."""
        return backup.restore(source, self.path, stamp)

    def recover(self, stamp: str) -> Recovered:
        """Moves what can be read of the file to a new one; the old one is kept beside it."""
        with as_unavailable(self.path):
            return recover.recover(self.path, stamp)

    def recover_from(self, source: Path) -> Recovered:
        """Adds what can be read of a file that was set aside, and is not here already."""
        with as_unavailable(self.path):
            return recover.recover_from(source, self.path)

    def recovery_is_unfinished(self) -> bool:
        """Whether a recovery was killed half way: its new file lies beside the path."""
        return bool(recover.unfinished(self.path))

    def finish_recovery(self) -> Recovered | None:
        """Does the rest of such a recovery; None where it must be begun again."""
        with as_unavailable(self.path):
            return recover.finish(self.path)
