"""What one delivered transcript says: its utterances, in whichever form it came."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from tests.second_count.events import seconds, value

BOT = {"bot", "agent", "assistant", "ai"}
HUMAN = {"human", "user", "caller", "customer"}
TEXT = ["content", "text", "message", "transcript"]
SPEAKERS = ["role", "speaker", "sender", "from"]
TIMES = ["timestamp", "said_at", "time", "start_time"]
OTHERS = re.compile(r"(bot_)?action.*|conference.*|vector_db|tool|system|function")
SPEAKER = re.compile(
    r"(?:\[(\d+):(\d+(?:\.\d+)?)\] ?)?"
    r"(bot|agent|assistant|ai|human|user|caller|customer|\w*action\w*|conference\w*|vector_db):",
    re.IGNORECASE,
)


class Utterance(NamedTuple):
    """What was said in one line or entry.

    `speaker` is bot, human, unknown, or other for lines that are no talk. `said_at` is in seconds
    since 1970, `offset` in seconds from the start of the call; None where they are not stated.
    `lasts` is for how many seconds further lines of it begin.
    """

    speaker: str
    text: str
    said_at: float | None = None
    offset: float | None = None
    lasts: float = 0.0

    @property
    def time(self) -> float | None:
        """When it begins, on the clock that states it."""
        return self.offset if self.said_at is None else self.said_at

    @property
    def letters(self) -> str:
        """Its letters and digits: case, punctuation, spaces and `-` do not count."""
        return "".join(filter(str.isalnum, self.text.casefold()))


def utterances(payload: Any, names: dict[str, list[str]]) -> list[Utterance]:
    """The utterances of a payload; `names` has the payload's fields for each fact."""
    told = value(payload, names["transcript"]) if isinstance(payload, dict) else payload
    while isinstance(told, dict):
        told = value(told, names["transcript"])
    if isinstance(told, list):
        return [one for entry in told for one in _entry(entry)]
    if not isinstance(told, str):
        return []
    sender = value(payload, SPEAKERS)
    if sender is not None:
        return [Utterance(_who(sender), told, seconds(value(payload, TIMES)))]
    return _lines(told)


def _entry(entry: Any) -> list[Utterance]:
    """What an entry of a list says: without a speaker it is read as a text."""
    if not isinstance(entry, dict):
        return _lines(entry) if isinstance(entry, str) else []
    text, speaker = value(entry, TEXT), value(entry, SPEAKERS)
    if not isinstance(text, str):
        return []
    if speaker is None:
        return _lines(text)
    return [Utterance(_who(speaker), text, seconds(value(entry, TIMES)))]


def _lines(text: str) -> list[Utterance]:
    found: list[Utterance] = []
    wrapped, last = 0.0, 0.0
    for line in text.split("\n"):
        head = SPEAKER.match(line)
        if head is None:
            before = found.pop() if found else Utterance("unknown", "")
            found.append(before._replace(text=f"{before.text}\n{line}".strip()))
            continue
        minutes, rest, name = head.groups()
        offset = None
        if minutes is not None:
            offset = wrapped + int(minutes) * 60 + float(rest)
            if offset < last - 1800:  # the minutes wrap at 60
                wrapped, offset = wrapped + 3600, offset + 3600
            last = offset
        found.append(Utterance(_who(name), line[head.end() :].strip(), None, offset))
    return found


def _who(name: Any) -> str:
    word = name.strip().casefold() if isinstance(name, str) else ""
    if word in BOT:
        return "bot"
    if word in HUMAN:
        return "human"
    return "other" if OTHERS.fullmatch(word) else "unknown"
