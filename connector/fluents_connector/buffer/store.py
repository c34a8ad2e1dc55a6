"""Where a buffer is kept: what can be asked and done whether it is open, damaged or not there yet.

The commands `buffer check`, `backup`, `restore` and `recover` stand on it, and whoever has to know
whether there is a buffer without making one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from fluents_connector.buffer.protocol import StagingBuffer


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, what was found, and what to do where it is wrong."""

    subject: str
    is_right: bool
    detail: str
    advice: str = ""


class Confirmed(NamedTuple):
    """Up to which position the warehouse confirmed that it holds everything of a buffer."""

    buffer_id: str
    position: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore put in place, and where the former buffer is now, if there was one."""

    deliveries: int
    set_aside: Path | None


@dataclass(slots=True)
class Recovered:
    """What was recovered, in deliveries, and where what was damaged is now."""

    set_aside: Path
    copied: int = 0
    changed: int = 0
    """Of them, those whose body is not what was received: they are in the quarantine."""
    unreadable: int = 0
    """Positions that could not be read; some may have been discarded before."""


class BufferStore(Protocol):
    """The place of one buffer. Only `open`, `restore` and the recoveries change anything.

    Raises `BufferRefused` and `BufferUnavailable`, from all methods but `exists`.
    """

    @property
    def description(self) -> str:
        """What people know the place by, without secrets."""

    def exists(self) -> bool:
        """Whether there is a buffer, whole or not."""

    def require(self) -> None:
        """Raises `BufferUnavailable` where there is no buffer (any more)."""

    def open(self) -> StagingBuffer:
        """The buffer; made if it is not there yet, and migrated if an older version made it."""

    def findings(self) -> Iterator[Finding]:
        """Whether it is whole: each finding as it is made. Receivers and loader may go on."""

    def confirmed(self) -> Confirmed:
        """What the warehouse confirmed."""

    def ids_up_to(self, position: int) -> Iterator[list[str]]:
        """The ids of the deliveries that are kept up to a position, in groups."""

    def backup(self, target: Path, *, overwrite: bool = False) -> int:
        """Writes all of one moment to the file `target`; returns how many deliveries.

        Receivers and loader may go on. Raises `BufferRefused` where `target` is there and may not
        be replaced, or the buffer is damaged. Nothing is at `target` before all of it is whole.
        """

    def restore(self, source: Path, stamp: str) -> Restored:
        """Puts the backup `source` in the place of the buffer, which is set aside under `stamp`.

        Raises `BufferRefused`, with nothing changed, where `source` is no whole backup or somebody
        has the buffer open.
        """

    def recover(self, stamp: str) -> Recovered:
        """Sets a damaged buffer aside under `stamp`, and puts what can be read in its place."""

    def recover_from(self, source: Path) -> Recovered:
        """Adds what can be read of what was set aside, and is not here already."""

    def recovery_is_unfinished(self) -> bool:
        """Whether a recovery was killed half way."""

    def finish_recovery(self) -> Recovered | None:
        """Does the rest of such a recovery; None where it must be begun again."""
