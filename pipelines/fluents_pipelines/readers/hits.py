"""What a search is asked for, and what it gives: texts that were found, in their calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

SOURCES = ("transcripts", "messages", "results")


class Only(NamedTuple):
    """The calls to look through; what is None lets all pass. Of what is not known, `unknown`."""

    webhook: str | None = None
    agent: str | None = None
    direction: str | None = None


ALL_CALLS = Only()


class Turn(NamedTuple):
    """A turn of a conversation beside one that was found."""

    place: int
    speaker: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A text that was found; `source` is one of `SOURCES`."""

    call_id: str
    first_event_at: datetime
    source: str
    place: int | None
    """The `line_index` of a turn in its conversation."""
    speaker: str | None
    text: str
    """With one space for any white space."""
    position: int
    """Where the first of the pieces is in `text`, from 1."""
    beside: list[Turn] = field(default_factory=list)
    """Turns before and after it, and itself, where any were asked for."""

    @property
    def before(self) -> list[Turn]:
        """Those of `beside` that come before it."""
        return [turn for turn in self.beside if turn.place < (self.place or 0)]

    @property
    def after(self) -> list[Turn]:
        """Those of `beside` that come after it."""
        return [turn for turn in self.beside if turn.place > (self.place or 0)]


@dataclass(frozen=True, slots=True)
class Found:
    """The hits, newest call first."""

    hits: list[Hit]
    searched_calls: int
    looked_back_to: datetime | None
    """All calls since then were looked through; None where that is all there are."""
    has_more: bool
    """Whether there are more hits than were asked for."""


def snippet(hit: Hit, width: int = 160) -> str:
    """The text around what was found, at most `width` characters, and … where it is cut."""
    begin = max(0, hit.position - 1 - width // 3)
    cut = hit.text[begin : begin + width]
    return ("…" if begin else "") + cut + ("…" if begin + width < len(hit.text) else "")
