"""How turns become a transcript: the forms of text that are known, and a list of objects.

It promises one line an entry, save where the text of an entry has line breaks of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fluents_connector.simulator.talk import Action, Turn

_NAMES = {
    "agent and user": {"bot": "Agent", "human": "User"},
    "agent and human": {"bot": "Agent", "human": "Human"},
}
_PLAIN_NAMES = {"bot": "BOT", "human": "HUMAN", "conference": "CONFERENCE_EVENT"}
_ROLES = {"bot": "assistant", "human": "user"}


class Style(NamedTuple):
    """How one call writes its transcripts: a form of `TRANSCRIPT_MIX`, and its habits.

    `action_lines` is a form of `ACTION_LINES_MIX`; `after_human` is the blank after `HUMAN:`.
    """

    form: str
    action_lines: str
    after_human: str


def render(turns: Iterable[Turn], style: Style) -> str | list[dict[str, str]]:
    """The transcript of `turns`: text, or objects with `role` and `content`."""
    # Knowledge lookups are messages only: no line of a transcript is known for them.
    told = [turn for turn in turns if turn.sender != "vector_db"]
    if style.form == "objects":
        return [
            {"role": _ROLES.get(turn.sender, "tool"), "content": turn.text + "-" * turn.is_cut_off}
            for turn in told
        ]
    if style.form == "no speaker":
        return "\n".join(turn.text for turn in told if turn.sender in _ROLES)
    lines = [_line(turn, style) for turn in told]
    if style.form == "timed":
        lines = [f"{_stamp(turn.at)} {line}" for turn, line in zip(told, lines, strict=True)]
    return "\n".join(lines)


def _line(turn: Turn, style: Style) -> str:
    if turn.action is not None:
        return _action_line(turn, turn.action, style)
    name = _NAMES.get(style.form, _PLAIN_NAMES).get(turn.sender) or _PLAIN_NAMES[turn.sender]
    blank = style.after_human if turn.sender == "human" else " "
    return f"{name}:{blank}{turn.text}{'-' if turn.is_cut_off else ''}"


def _action_line(turn: Turn, action: Action, style: Style) -> str:
    is_start = turn.sender == "action_start"
    if style.action_lines == "header":
        return f"BOT_ACTION_{'START' if is_start else 'FINISH'}: {turn.text}"
    if is_start:
        return f"ACTION_WORKER: params={action.parameters}"
    return f"ACTION_WORKER: action_type='{action.type}' response={action.result}"


def _stamp(seconds: float) -> str:
    # The minutes wrap after an hour, as in the sender's own format.
    minutes, rest = divmod(round(seconds * 100), 6000)
    return f"[{minutes % 60:02}:{rest // 100:02}.{rest % 100:02}]"
