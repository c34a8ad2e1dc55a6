"""The same conversation gives the same figures, in whatever form it was delivered.

The forms go through the real normalizer and the real models, all in one warehouse.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluents_connector.buffer import Batch, StoredDelivery
from fluents_connector.settings.payload_fields import PAYLOAD_FIELDS
from fluents_pipelines.models import built_in, incremental
from fluents_pipelines.normalize import Normalizer
from fluents_pipelines.tables import NORMALIZED
from tests.deliveries import START, body, delivery
from tests.pipelines.conversations import (
    CHUNKS_ONLY,
    WITH_A_WHOLE,
    Figures,
    Line,
    Payload,
    chunks,
    conversations,
    figures,
    whole,
)
from tests.pipelines.models.test_model_cases import create_tables
from tests.pipelines.profiles import examples

pytestmark = pytest.mark.attack

MODELS = built_in.models()


def stored(calls: Mapping[str, Iterable[Payload]]) -> list[StoredDelivery]:
    rows: list[StoredDelivery] = []
    for call_id, payloads in calls.items():
        for type_, payload in payloads:
            content = body(type_, payload, call_id=call_id)
            one = delivery(content, received_at=START + len(rows) * 1000, bits=len(rows))
            rows.append(
                StoredDelivery(
                    len(rows) + 1,
                    one.event_id,
                    one.received_at,
                    "main",
                    call_id,
                    type_,
                    content,
                    None,
                    None,
                    None,
                )
            )
    return rows


class Warehouse:
    """What the models make of calls, in memory."""

    def __init__(self) -> None:
        self._normalizer = Normalizer(PAYLOAD_FIELDS)
        self.connection = duckdb.connect()
        create_tables(self.connection)
        built_in.build(self.connection, MODELS)

    def load(self, calls: Mapping[str, Iterable[Payload]]) -> None:
        """Takes the place of what was loaded before."""
        rows = stored(calls)
        tables = self._normalizer.tables(Batch("buffer", 0, len(rows), list(rows)))
        incremental.mark_all_stale(self.connection)  # the calls of before, which go
        for table in NORMALIZED:
            self.connection.register("fresh", tables[table.name])
            self.connection.execute(f"truncate fluents.{table.name}")
            self.connection.execute(f"insert into fluents.{table.name} by name from fresh")
            self.connection.unregister("fresh")
        incremental.mark_all_stale(self.connection)
        incremental.refresh(self.connection, MODELS)

    def figures(self) -> dict[str, Figures]:
        """Of each call, by its id."""
        rows = self.connection.execute(
            "select call_id, coalesce(turn_count, 0), coalesce(human_turn_count, 0),"
            " coalesce(bot_word_count, 0), coalesce(human_word_count, 0),"
            " coalesce(cut_off_count, 0), coalesce(is_engaged, false)"
            " from analytics.call_summary"
            " left join analytics.conversation_statistics using (call_id, turn_count,"
            " human_turn_count)"
        ).fetchall()
        return {call_id: Figures(*values) for call_id, *values in rows}

    def close(self) -> None:
        """Closes both databases."""
        self._normalizer.close()
        self.connection.close()


@pytest.fixture(scope="module")
def warehouse() -> Iterator[Warehouse]:
    """One for all tests: each load takes the place of what was there."""
    opened = Warehouse()
    yield opened
    opened.close()


def in_each_form(
    lines: list[Line], name: str
) -> tuple[dict[str, list[Payload]], dict[str, Figures]]:
    """The deliveries of the conversation in each form, each a call, and what must come of it."""
    calls, expected = {}, {}
    for forms, is_heard in ((CHUNKS_ONLY, False), (WITH_A_WHOLE, True)):
        for form, make in forms.items():
            payloads = make(lines)
            if payloads:
                calls[f"{name}: {form}"] = payloads
                expected[f"{name}: {form}"] = figures(lines, is_heard=is_heard)
    return calls, expected


@examples(12)
@given(st.lists(conversations, min_size=4, max_size=4))
def test_each_form_of_a_conversation_gives_its_turns_words_and_rates(
    warehouse: Warehouse, drawn: list[list[Line]]
) -> None:
    calls: dict[str, list[Payload]] = {}
    expected: dict[str, Figures] = {}
    for number, lines in enumerate(drawn):
        of_forms, of_figures = in_each_form(lines, str(number))
        calls |= of_forms
        expected |= of_figures

    warehouse.load(calls)

    found = warehouse.figures()
    wrong = {
        call: (found.get(call), expected[call])
        for call in calls
        if found.get(call) != expected[call]
    }
    assert wrong == {}, json.dumps({call: calls[call] for call in wrong}, ensure_ascii=False)[:3000]


SHORT = [
    Line("bot", "Hello, this is Ada."),
    Line("human", "Yes."),
    Line("bot", "Do you have a minute?"),
    Line("human", "Yes."),
    Line("bot", "Thank you, goodbye."),
    Line("human", "Bye now."),
]


def text(*lines: str) -> Payload:
    return "event_transcript", {"transcript": "\n".join(lines)}


def rows(warehouse: Warehouse, *columns: str) -> list[tuple[object, ...]]:
    return warehouse.connection.execute(
        f"select {', '.join(columns)} from analytics.conversation_turns order by line_index"
    ).fetchall()


def doubts(warehouse: Warehouse) -> int:
    ((count,),) = warehouse.connection.execute(
        "select count(*) from analytics.conversation_turns where is_doubtful"
    ).fetchall()
    return int(count)


def test_chunks_and_a_text_that_differ_in_one_character_are_one_conversation_and_no_doubt(
    warehouse: Warehouse,
) -> None:
    heard = [line._replace(text=line.text.replace("minute", "minut")) for line in SHORT]

    warehouse.load({"call": chunks(SHORT) + whole(heard)})

    assert warehouse.figures()["call"].turns == 6
    assert warehouse.figures()["call"].is_engaged is False
    assert doubts(warehouse) == 0


def test_eight_turns_with_two_actions_and_a_transfer_are_eight(warehouse: Warehouse) -> None:
    lines = [
        *SHORT[:3],
        Line("action", "look up"),
        Line("action", "look up again"),
        *SHORT[3:],
        Line("bot", "One moment."),
        Line("conference", "Transfer number joined the conference"),
        Line("bot", "Here is a colleague."),
        Line("human", "Thanks."),
    ]

    warehouse.load({"call": whole(lines)})

    assert warehouse.figures()["call"].turns == 8
    in_parts = warehouse.connection.execute(
        "select count(*) from fluents.transcript_turns where speaker in ('action', 'conference')"
    ).fetchall()
    assert in_parts == [(3,)]


def test_a_backchannel_is_marked_and_a_sound_that_answers_or_ends_is_a_turn(
    warehouse: Warehouse,
) -> None:
    warehouse.load(
        {
            "call": [
                text(
                    "BOT: We are open.",
                    "HUMAN: Mhm.",
                    "BOT: Until six.",
                    "HUMAN: [okay then]",
                    "BOT: Is that fine?",
                    "HUMAN: Uh-huh",
                    "BOT: Goodbye.",
                    "HUMAN: mm",
                )
            ]
        }
    )

    assert rows(warehouse, "turn_index", "text", "is_backchannel") == [
        (1, "We are open. Until six. Is that fine?", False),
        (None, "Mhm.", True),
        (None, "[okay then]", True),
        (2, "Uh-huh", False),
        (3, "Goodbye.", False),
        (4, "mm", False),
    ]


def test_chunks_of_a_call_are_joined_to_its_transcript(warehouse: Warehouse) -> None:
    warehouse.load(
        {"chunks": chunks(SHORT), "whole": whole(SHORT), "both": chunks(SHORT) + whole(SHORT)}
    )

    found = warehouse.connection.execute(
        "select distinct latest_transcript from analytics.call_summary"
    ).fetchall()
    assert found == [("\n".join(f"{line.kind.upper()}: {line.text}" for line in SHORT),)]


def test_a_text_sent_while_the_talk_went_on_is_carried_on_by_later_chunks(
    warehouse: Warehouse,
) -> None:
    warehouse.load({"call": whole(SHORT[:3]) + chunks(SHORT)})

    assert [turn for (turn,) in rows(warehouse, "text")] == [line.text for line in SHORT]
    assert doubts(warehouse) == 0


def test_two_transcripts_with_the_same_short_answers_are_two_parts(warehouse: Warehouse) -> None:
    other = [
        Line("bot", "You speak with Bob in sales."),
        Line("human", "Yes."),
        Line("bot", "What would you like to order?"),
        Line("human", "Nothing."),
    ]

    warehouse.load({"call": whole(SHORT) + whole(other)})

    assert [turn for (turn,) in rows(warehouse, "text")] == [line.text for line in (*SHORT, *other)]


@pytest.mark.parametrize("is_long", [True, False], ids=["before a long one", "before a short one"])
def test_where_a_part_begins_as_the_one_before_ends_that_counts_once(
    warehouse: Warehouse, is_long: bool
) -> None:
    others = [
        Line(kind, f"{said} in the second half of a long talk." if is_long else f"{said} more.")
        for kind, said in (("bot", "Something"), ("human", "Nothing"), ("bot", "All of it"))
    ]

    warehouse.load({"call": whole(SHORT) + whole([SHORT[-2], SHORT[-1], *others])})

    assert warehouse.figures()["call"].turns == 9


def chunk(sender: str, said: str, timestamp: int) -> Payload:
    return "event_transcript", {"text": said, "sender": sender, "timestamp": timestamp}


def test_what_nobody_heard_is_no_turn_and_cuts_off_what_the_bot_said_before(
    warehouse: Warehouse,
) -> None:
    lines = ["BOT: Hello.", "HUMAN: [mhm]", "BOT: -", "HUMAN: Yes.", "BOT: -", "HUMAN: No."]
    goes_on = ["BOT: -", "BOT: Hello.", "BOT: -", "BOT: Bye."]

    warehouse.load({"call": [text(*lines)], "goes on": [text(*goes_on)]})

    found = warehouse.connection.execute(
        "select call_id, text, is_cut_off from analytics.conversation_turns"
        " where turn_index is not null order by call_id, turn_index"
    ).fetchall()
    assert found == [
        ("call", "Hello.-", True),
        ("call", "Yes. No.", None),
        ("goes on", "Hello.- Bye.", False),
    ]
    assert [warehouse.figures()[call].bot_words for call in ("call", "goes on")] == [1, 2]


def test_what_another_speaker_said_holds_no_turn(warehouse: Warehouse) -> None:
    lines = text("BOT: Can I help?", "HUMAN: No, thank you.")

    warehouse.load({"call": [lines, chunk("bot", "Thank you.", 1767225610)]})

    assert [turn for (turn,) in rows(warehouse, "text")] == [
        "Can I help?",
        "No, thank you.",
        "Thank you.",
    ]


@pytest.mark.parametrize("is_list", [False, True], ids=["offsets", "points in time"])
def test_the_same_words_at_other_times_are_other_turns(warehouse: Warehouse, is_list: bool) -> None:
    said = [(1, "bot", "Is that right?"), (5, "human", "Yes.")]
    later = [(10, "bot", "Is that right?"), (14, "human", "Yes."), (16, "bot", "Goodbye.")]
    last = [(20, "human", "Yes.")]

    def payload(turns: list[tuple[int, str, str]]) -> Payload:
        if is_list:
            entries = [
                {"sender": speaker, "text": said, "timestamp": 1767225600 + at}
                for at, speaker, said in turns
            ]
            return "event_transcript", {"transcript": entries}
        return text(*(f"[00:{at:02}.00] {speaker}: {said}" for at, speaker, said in turns))

    whole_call = [*said, *later, *([] if is_list else last)]
    parts = [payload(said), payload(later), *([] if is_list else [payload(last)])]
    warehouse.load({"parts": parts, "twice": [*parts, payload(whole_call)]})

    for call in ("parts", "twice"):
        assert warehouse.figures()[call].turns == len(whole_call)
    assert doubts(warehouse) == 0


def test_a_sound_that_the_transcript_marks_is_marked_in_the_chunks_too(
    warehouse: Warehouse,
) -> None:
    chunks_of_it = [
        chunk("bot", "Is that right?", 1767225600),
        chunk("human", "mhm", 1767225601),
        chunk("bot", "Thank you.", 1767225602),
    ]
    both = text("BOT: Is that right?", "HUMAN: [mhm]", "BOT: Thank you.", "BOT: Right?")
    answers = text("BOT: So.", "HUMAN: [mhm]", "BOT: Yes?", "HUMAN: mhm", "BOT: Bye.")

    warehouse.load({"answers": [answers], "both": [*chunks_of_it, both]})

    found = warehouse.connection.execute(
        "select call_id, text from analytics.conversation_turns"
        " where turn_index is not null order by call_id, turn_index"
    ).fetchall()
    assert found == [
        ("answers", "So. Yes?"),
        ("answers", "mhm"),
        ("answers", "Bye."),
        ("both", "Is that right? Thank you. Right?"),
    ]


def test_what_contradicts_is_a_doubt_and_counts_once(warehouse: Warehouse) -> None:
    chunk_only = [*SHORT[:4], Line("human", "Wait, who are you?"), *SHORT[4:]]
    spoken = [*SHORT[:2], SHORT[2], SHORT[3], Line("bot", "I am Ada of Acme."), *SHORT[5:]]

    warehouse.load({"call": whole(spoken + SHORT[:1]) + chunks(chunk_only), "other": whole(SHORT)})

    assert warehouse.figures()["call"].turns == 7
    assert doubts(warehouse) > 0
    assert warehouse.connection.execute(
        "select affected_count, examined_count from analytics.data_quality"
        " where issue = 'transcript_in_doubt'"
    ).fetchall() == [(1, 2)]


def test_thousands_of_turns_that_all_differ_a_little_are_compared_at_a_bounded_cost(
    warehouse: Warehouse,
) -> None:
    lines = [
        Line("human" if number % 2 else "bot", f"This is what was said as number {number} here.")
        for number in range(6000)
    ]
    heard = [line._replace(text=line.text.replace("said", "sad")) for line in lines]

    warehouse.load({"call": whole(lines) + whole(heard)})

    assert warehouse.figures()["call"].turns == 6000
