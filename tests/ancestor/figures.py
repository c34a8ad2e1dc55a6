"""The figures of each call: what was drawn, and what the warehouse says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from tests.ancestor.forms import FORMS, Call, Form, call_id

QUERIES = {
    "turns": "select call_id, turn_count from analytics.call_summary",
    "human_turns": "select call_id, human_turn_count from analytics.call_summary",
    "bot_turns": "select call_id, bot_turn_count from analytics.conversation_statistics",
    "cut_offs": "select call_id, cut_off_count from analytics.conversation_statistics",
    "bot_words": "select call_id, bot_word_count from analytics.conversation_statistics",
    "human_words": "select call_id, human_word_count from analytics.conversation_statistics",
    "said": """
        select call_id, list([speaker, text] order by turn_index)
        from analytics.conversation_turns
        where turn_index is not null
        group by call_id
    """,
    "human_to_bot_seconds": """
        select call_id, human_to_bot_seconds from analytics.conversation_statistics
    """,
    "longest_gap_seconds": """
        select call_id, longest_gap_seconds from analytics.conversation_statistics
    """,
    "backchannels": """
        select call_id, count(*) filter (is_backchannel)
        from analytics.conversation_turns
        group by call_id
    """,
    "conference": """
        select call_id, list(distinct [role, kind, number])
        from fluents.conference_events
        group by call_id
    """,
    "transfer_result": "select call_id, transfer_result from analytics.call_summary",
    "actions": """
        select
            call_id,
            list([phase, action_type, action_name, is_success::text, error])
        from fluents.actions
        group by call_id
    """,
    "has_transfer": "select call_id, has_transfer from analytics.call_summary",
    "transfers": """
        select
            call_id,
            list([target, is_reported_success::text, transcript_result] order by transfer_index)
        from analytics.transfers
        group by call_id
    """,
    "stated_minutes": "select call_id, stated_minutes from fluents.calls",
    "did_not_connect_reason": "select call_id, did_not_connect_reason from fluents.calls",
    "telephony_status": "select call_id, did_not_connect_reason_raw from fluents.calls",
    "human_detection": "select call_id, human_detection_result from fluents.calls",
    "recording_url": "select call_id, recording_url from fluents.calls",
}
"""For each figure a query that gives `call_id` and the value."""

TARGET = "+15550199"  # of every transfer that draw/actions.py draws


class Figure(NamedTuple):
    """One figure of one call in one form."""

    form: str
    call: str
    name: str
    drawn: Any
    found: Any

    @property
    def is_right(self) -> bool:
        """Whether the warehouse says what was drawn."""
        return bool(self.drawn == self.found)

    def __str__(self) -> str:
        """Where it is, and both values."""
        return f"{self.form}/{self.call} {self.name}: drawn {self.drawn}, found {self.found}"


def figures(warehouse: Path, calls: list[Call]) -> Iterator[Figure]:
    """All figures that the forms can tell."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = {name: dict(connection.execute(sql).fetchall()) for name, sql in QUERIES.items()}
    for call in calls:
        for form in FORMS:
            for name, value in drawn(call, form).items():
                said = found[name].get(call_id(call, form))
                as_compared = COMPARED.get(name, lambda value: value)
                yield Figure(form, call["call"], name, as_compared(value), as_compared(said))


def drawn(call: Call, form: str) -> dict[str, Any]:
    """The figures of a call that are known from what comes in a form."""
    truth = call["drawn"]
    told = FORMS[form]
    values = {
        "actions": [_as_found(action) for action in truth["actions"]] or None,
        "has_transfer": any(action["type"].count("transfer") for action in truth["actions"]),
        "transfers": _transfers(truth, told),
        **{
            name: truth.get(name)
            for name in (
                "stated_minutes",
                "did_not_connect_reason",
                "telephony_status",
                "human_detection",
                "recording_url",
            )
        },
    }
    if not truth["turns"]:  # unknown is not zero
        return values | dict.fromkeys(("turns", "human_turns", "bot_turns", "cut_offs"))
    are_turns_known = told.marks_backchannels or not truth["are_backchannels_like_answers"]
    if are_turns_known:
        values |= {name: truth[name] for name in ("turns", "human_turns", "bot_turns")}
    if told.has_conference:
        values["conference"] = [_as_line(event, told) for event in truth["conference"]] or None
        values["transfer_result"] = _transfer_result(truth["conference"])
    if told.shows_cut_offs:
        values["cut_offs"] = truth["cut_offs"]
    is_heard = told.whole or truth["is_heard_in_chunks"]
    if is_heard:
        values["bot_words"] = truth["bot_words"]
    if told.marks_backchannels:
        values["backchannels"] = len(truth["backchannels"])
    if told.marks_backchannels or (are_turns_known and not truth["are_backchannels_plain_words"]):
        values["human_words"] = truth["human_words"]
        if is_heard:
            values["said"] = truth["said"]
        if told.states_times:
            starts = _starts(call)
            gaps = [after - before for (_, before), (_, after) in pairwise(starts)]
            values["longest_gap_seconds"] = max(gaps, default=None)
            values["human_to_bot_seconds"] = [
                after - before
                for (_, before), (speaker, after) in pairwise(starts)
                if speaker == "bot"
            ] or None
    return values


def _starts(call: Call) -> list[tuple[str, float]]:
    """Who began to speak when: of each turn the first words that were heard."""
    starts: list[tuple[str, float]] = []
    for log in call["logs"]["event_logs"]:
        is_said = log["sender"] in ("bot", "human") and not log["is_backchannel"] and log["text"]
        if is_said and [log["sender"]] != [speaker for speaker, _ in starts[-1:]]:
            starts.append((log["sender"], log["timestamp"]))
    return starts


def _as_found(action: dict[str, Any]) -> list[str | None]:
    success = None if action["success"] is None else str(action["success"]).lower()
    return [action["phase"], action["type"], action["name"], success, action["error"]]


def _as_line(event: list[str], told: Form) -> list[str]:
    kind, role, number = event
    kind = kind.removeprefix("participant_")
    is_absent = kind in ("unanswered", "voicemail")
    return [role, "did_not_join" if is_absent and not told.has_fields else kind, number]


def _transfer_result(events: list[list[str]]) -> str | None:
    kinds = {kind for kind, role, _ in events if role == "transfer"}
    if kinds & {"participant_joined", "participant_left"}:
        return "joined"
    return "did_not_join" if kinds else None


def _transfers(truth: dict[str, Any], told: Form) -> list[list[str | None]] | None:
    """No call has two; one that was interrupted has no finish."""
    phases = {
        action["phase"]: action for action in truth["actions"] if action["type"].count("transfer")
    }
    if not phases:
        return None
    success = phases.get("finish", phases["start"])["success"]
    result = _transfer_result(truth["conference"]) if told.has_conference else None
    return [[TARGET, None if success is None else str(success).lower(), result]]


def _in_any_order(reports: list[list[str]] | None) -> list[list[str]] | None:
    return reports and sorted(reports, key=str)


def _words(turns: list[list[str]] | None) -> list[str] | None:
    """Of each turn the speaker and its words, as two forms differ in signs and spaces."""
    return turns and [" ".join(re.findall(r"\w+", " ".join(turn).lower())) for turn in turns]


def _to_half_seconds(seconds: float | list[float] | None) -> Any:
    """Texts state hundredths and a list has tenths: that makes no value another half second."""
    if isinstance(seconds, list):
        return [_to_half_seconds(one) for one in seconds]
    return seconds and round(seconds * 2) / 2


COMPARED: dict[str, Callable[[Any], Any]] = {
    "actions": _in_any_order,
    "conference": _in_any_order,
    "human_to_bot_seconds": _to_half_seconds,
    "longest_gap_seconds": _to_half_seconds,
    "said": _words,
}
