"""Conversations, drawn or written by hand, and the forms in which a sender may deliver them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, NamedTuple

from hypothesis import strategies as st

STARTED_AT = 1_767_225_600.0  # 2026-01-01, in epoch seconds

Kind = Literal["bot", "human", "backchannel", "action", "conference"]
Payload = tuple[str, dict[str, Any]]
"""The type of an event, and its payload."""


class Line(NamedTuple):
    """One thing that happens in a conversation. `heard` is what was heard before a cut-off."""

    kind: Kind
    text: str
    heard: str | None = None

    @property
    def in_whole(self) -> str:
        """What a whole transcript says of it."""
        return self.text if self.heard is None else f"{self.heard}-"


@dataclass(frozen=True)
class Figures:
    """What must be the same in every form."""

    turns: int
    human_turns: int
    bot_words: int
    human_words: int
    cut_offs: int
    is_engaged: bool


def figures(lines: list[Line], *, is_heard: bool = True) -> Figures:
    """Thought out from the lines: of what was heard, or of what the bot meant to say."""
    turns: list[tuple[Kind, list[str]]] = []
    for line in lines:
        if line.kind in ("bot", "human"):
            if not turns or turns[-1][0] != line.kind:
                turns.append((line.kind, []))
            turns[-1][1].append(line.in_whole if is_heard else line.text)
    words = {
        kind: sum(
            len(text.split()) for speaker, texts in turns if speaker == kind for text in texts
        )
        for kind in ("bot", "human")
    }
    human = sum(speaker == "human" for speaker, _ in turns)
    return Figures(
        turns=len(turns),
        human_turns=human,
        bot_words=words["bot"],
        human_words=words["human"],
        cut_offs=sum(speaker == "bot" and texts[-1].endswith("-") for speaker, texts in turns),
        is_engaged=human > 3,
    )


_LABELS = {
    "bot": "BOT",
    "human": "HUMAN",
    "backchannel": "HUMAN",
    "action": "BOT_ACTION_START",
    "conference": "CONFERENCE_EVENT",
}


def _text(lines: list[Line], labels: dict[str, str] | None = None, end: str = "\n") -> str:
    names = _LABELS | (labels or {})
    return end.join(f"{names[line.kind]}: {line.in_whole}" for line in lines)


def _event(text: str) -> Payload:
    return "event_transcript", {"transcript": text}


def _said_at(index: int) -> float:
    return STARTED_AT + 2.5 * index


def chunks(lines: list[Line]) -> list[Payload]:
    """A chunk an utterance, as the sender's ancestor makes them: the bot's has all of its words."""
    return [
        (
            "event_transcript",
            {
                "text": line.text,
                "sender": "bot" if line.kind == "bot" else "human",
                "timestamp": _said_at(index),
            },
        )
        for index, line in enumerate(lines)
        if line.kind in ("bot", "human", "backchannel")
    ]


def whole(lines: list[Line]) -> list[Payload]:
    """The text of it all."""
    return [_event(_text(lines))]


def _with_offsets(lines: list[Line]) -> list[Payload]:
    rows = []
    for index, line in enumerate(lines):
        minutes, seconds = divmod(2.5 * index, 60)
        rows.append(f"[{int(minutes):02}:{seconds:05.2f}] {_LABELS[line.kind]}: {line.in_whole}")
    return [_event("\n".join(rows))]


def _with_a_correction(lines: list[Line]) -> list[Payload]:
    """Each third utterance that is long enough has another letter near its end."""
    corrected = [
        line._replace(text=f"{line.text[:-2]}x{line.text[-1]}")
        if index % 3 == 0
        and line.kind in ("bot", "human")
        and len(line.text) > 5
        and line.heard is None
        and line.text[-2].isalpha()
        else line
        for index, line in enumerate(lines)
    ]
    return whole(corrected)


def _two_texts(lines: list[Line]) -> list[Payload]:
    """Of one utterance that differs nobody can tell whether it was said once or twice."""
    corrected = (
        _with_a_correction(lines)
        if sum(line.kind in ("bot", "human") for line in lines) > 1
        else whole(lines)
    )
    return corrected + whole(lines)


def _logs(lines: list[Line]) -> dict[str, Any]:
    entries: list[dict[str, Any]] = []
    for index, line in enumerate(lines):
        entry: dict[str, Any] = {"timestamp": _said_at(index)}
        if line.kind == "action":
            config = {"type": "action_external", "name": line.text}
            entry |= {
                "sender": "action_worker",
                "action_type": config["type"],
                "action_input": {"action_config": config, "params": {}},
            }
        elif line.kind == "conference":
            entry |= {
                "sender": "conference",
                "conference_event_type": "participant_joined",
                "conference_event_role": "transfer",
                "participant_phone_number": "+15550100",
            }
        else:
            entry |= {
                "sender": "bot" if line.kind == "bot" else "human",
                "text": line.text if line.heard is None else line.heard,
                "is_final": line.heard is None,
                "is_backchannel": line.kind == "backchannel",
            }
        entries.append(entry)
    return {"event_logs": entries, "start_time": STARTED_AT}


def _growing(lines: list[Line]) -> list[Payload]:
    ends = sorted({len(lines), *range(1, len(lines), 3)})
    return [_event(_text(lines[:end])) for end in ends]


def _shuffled(payloads: list[Payload]) -> list[Payload]:
    Random(len(payloads)).shuffle(payloads)  # noqa: S311 # any order will do
    return payloads


Form = Callable[[list[Line]], list[Payload]]

CHUNKS_ONLY: dict[str, Form] = {
    "chunks": chunks,
    "chunks in any order": lambda lines: _shuffled(chunks(lines)),
    "chunks twice": lambda lines: [
        *chunks(lines),
        *((type_, {**payload, "is_final": True}) for type_, payload in chunks(lines)),
    ],
}
"""Words and cut-offs are then those that the bot meant."""

WITH_A_WHOLE: dict[str, Form] = {
    "one text": whole,
    "chunks, then one text": lambda lines: chunks(lines) + whole(lines),
    "one text, then chunks": lambda lines: whole(lines) + chunks(lines),
    "a text with offsets": _with_offsets,
    "a text with offsets, and chunks": lambda lines: _with_offsets(lines) + chunks(lines),
    "other spaces and line ends": lambda lines: [
        _event("\r\n" + _text(lines, {"bot": "  BOT "}, "  \r\n") + "\r\n\r\n")
    ],
    "other labels": lambda lines: [
        _event(_text(lines, {"bot": "Agent", "human": "User", "backchannel": "User"}))
    ],
    "marked backchannels": lambda lines: whole(
        [
            line._replace(text=f"[{line.text}]") if line.kind == "backchannel" else line
            for line in lines
        ]
    ),
    "a correction": lambda lines: chunks(lines) + _with_a_correction(lines),
    "two texts, one corrected": _two_texts,
    "a list of turns": lambda lines: [
        (
            "event_transcript",
            {
                "transcript": [
                    {"role": _LABELS[line.kind].lower(), "content": line.in_whole} for line in lines
                ]
            },
        )
    ],
    "event logs": lambda lines: [("event_transcript", {"transcript": _logs(lines)})],
    "event logs at the top": lambda lines: [("event_transcript", _logs(lines))],
    "the ancestor's complete transcript": lambda lines: [
        *chunks(lines),
        ("event_transcript_complete", {"transcript": _logs(lines)}),
    ],
    "a text sent twice": lambda lines: [_event(_text(lines)), _event(f"{_text(lines)}\n")],
    "growing texts": _growing,
    "everything in any order": lambda lines: _shuffled(
        chunks(lines) + whole(lines) + _growing(lines) + _with_offsets(lines)
    ),
}
"""Words and cut-offs are then those that were heard."""

_TEXT = """
hello order number tomorrow please open street seven nothing because certainly Öffnungszeiten
morgen bitte übermorgen γεια σας добрый день заказ こんにちは 予約 مرحبا नमस्ते สวัสดี 🙂 42 a I
o'clock e-mail
"""
_ANSWERS = ("yes", "no", "Yes.", "okay", "да", "はい", "sí", "I see", "BOT", "hm? no")

_sentences = st.lists(st.sampled_from(_TEXT.split()), min_size=1, max_size=9).map(" ".join)
_bot = st.builds(lambda text: [Line("bot", f"{text}.")], _sentences)
_question = st.builds(lambda text: [Line("bot", f"{text}?")], _sentences)
_cut = st.builds(
    lambda heard, rest: [Line("bot", f"{heard} {rest}.", heard)], _sentences, _sentences
)
_human = st.builds(lambda text: [Line("human", text)], st.sampled_from(_ANSWERS) | _sentences)
_listening = st.builds(
    lambda before, sound, after: [
        Line("bot", f"{before}."),
        Line("backchannel", sound),
        Line("bot", f"{after}."),
    ],
    _sentences,
    st.sampled_from(("mhm", "Uh-huh.", "oh", "um")),
    _sentences,
)
_report = st.sampled_from(([Line("action", "look up")], [Line("conference", "somebody joined")]))

conversations = st.lists(
    st.one_of(_bot, _question, _human, _human, _cut, _listening, _report), min_size=1, max_size=14
).map(lambda parts: [line for part in parts for line in part])
"""Of any speakers in any order; some of one speaker alone, or of nobody."""
