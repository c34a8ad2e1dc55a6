"""Deliveries of the calls in `cases/`: each conversation in each form that it can come in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

Call = dict[str, Any]
"""A call as draw.py wrote it."""

CASES = Path(__file__).parent / "cases"
FAKE_SECRET = "FAKE-signature-secret-that-must-not-be-stored"  # noqa: S105 # of draw.py
AFTER_TRANSCRIPT = "event_recording"


class Form(NamedTuple):
    """What of a conversation is delivered: chunks of its transcript, and texts of all of it.

    `chunks` are all of them, or some where others were lost. `whole` names texts of the file,
    `turns`, `logs`, `parts` (a text in several deliveries), `growing` (a text again and again while
    it grows), or `complete` for the ancestor's own event.
    """

    chunks: str
    whole: tuple[str, ...]
    is_out_of_order: bool = False

    @property
    def shows_cut_offs(self) -> bool:
        """A chunk does not say that it was cut off; a part may begin with the dash that does."""
        return bool(self.whole) and "parts" not in self.whole

    @property
    def marks_backchannels(self) -> bool:
        """Elsewhere `HUMAN: yeah` may be one, or not."""
        return bool({"marked", "logs", "complete", "turns"} & {*self.whole})

    @property
    def states_times(self) -> bool:
        """Whether it says of every turn when it starts."""
        return bool({"timed", "parts", "logs", "complete"} & {*self.whole}) or not self.whole

    @property
    def has_conference(self) -> bool:
        """Whether it says who joined and left."""
        return bool({*self.whole} - {"turns"})

    @property
    def has_fields(self) -> bool:
        """Whether it names kinds: a text has one line for unanswered and voicemail."""
        return bool({"logs", "complete"} & {*self.whole})


FORMS = {
    "chunks": Form("all", ()),
    "chunks_out_of_order": Form("all", (), is_out_of_order=True),
    "text": Form("", ("plain",)),
    "text_with_marked_backchannels": Form("", ("marked",)),
    "text_with_offsets": Form("", ("timed",)),
    "text_in_parts_with_offsets": Form("", ("parts",)),
    "text_twice": Form("", ("plain", "timed")),
    "text_that_grows": Form("", ("growing",)),
    "list_of_turns": Form("", ("turns",)),
    "event_logs": Form("", ("logs",)),
    "transcript_complete": Form("", ("complete",)),
    "some_chunks_and_text": Form("some", ("plain",)),
    "chunks_and_text": Form("all", ("plain",)),
    "chunks_and_text_with_offsets": Form("all", ("timed",)),
    "chunks_and_text_with_marked_backchannels": Form("all", ("marked",)),
    "chunks_and_transcript_complete": Form("all", ("complete",)),
}


def read(folder: Path = CASES) -> list[Call]:
    """All calls of a folder's files."""
    files = sorted(folder.glob("*.json"))
    return [call for file in files for call in json.loads(file.read_text(encoding="utf-8"))]


def call_id(call: Call, form: str) -> str:
    """The call's name in the warehouse."""
    return f"{form}/{call['call']}"


def bodies(call: Call, form: str) -> list[bytes]:
    """The bodies that deliver a call in a form, in the order that they are sent in."""
    wanted = FORMS[form]
    timeline = [
        event
        for n, event in enumerate(call["timeline"])
        if event["type"] != "event_transcript"
        or wanted.chunks == "all"
        or (wanted.chunks == "some" and n % 3)
    ]
    whole = [event for name in wanted.whole for event in _whole(call, name)]
    # the ancestor publishes the transcript when the call is over; recordings come later still
    place = len(timeline)
    if timeline[-1]["type"] == AFTER_TRANSCRIPT:
        place -= 1
    events = [*timeline[:place], *whole, *timeline[place:]]
    if wanted.is_out_of_order:  # as from two senders at once
        events = [event for start in (1, 0) for event in events[start::2]]
    envelope = {"call_id": call_id(call, form), **call["envelope"]}
    return [json.dumps({**envelope, **event}, ensure_ascii=False).encode() for event in events]


def _whole(call: Call, name: str) -> list[dict[str, Any]]:
    if not call["logs"]["event_logs"]:
        return []
    if name == "complete":
        return [{"type": "event_transcript_complete", "payload": {"transcript": call["logs"]}}]
    value = call[name] if name in call else call["texts"].get(name)
    texts = value if name == "parts" else [value]
    if name == "growing":
        lines = call["texts"]["plain"].split("\n")
        texts = ["\n".join(lines[:end]) for end in range(3, len(lines), 6)]
        texts.append(call["texts"]["plain"])
    return [{"type": "event_transcript", "payload": {"transcript": text}} for text in texts]
