"""What is said is found, in any language, newest first, and nothing else."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluents_connector.errors import QueryError
from fluents_pipelines.models import built_in
from fluents_pipelines.readers.search import FIRST_CALLS, Hit, pieces_of, search, snippet
from tests.pipelines.models.test_model_cases import create_tables

AT = datetime(2026, 1, 1, tzinfo=UTC)
SAID = [
    ("en", "I want to cancel my order, please."),
    ("de", "Grüße aus der Straße! Die Bestellung ist storniert."),
    ("fr", "Réservation pour quatre à 20 h, s'il vous plaît."),
    ("es", "¿Puede cancelar la reserva de mañana?"),
    ("ja", "予約をキャンセルしたいのですが。"),
    ("ar", "أريد إلغاء الحجز من فضلك"),
    ("hi", "मुझे आरक्षण रद्द करना है"),
    ("el", "Θέλω να ακυρώσω την κράτηση"),  # noqa: RUF001 # it is Greek
    ("signs", r"100% sure_it's a\b *test* [mhm] \x1b[31m {}"),
]


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """A call a language, an hour apart, each with a bot's turn before and after what is said."""
    with duckdb.connect() as connection:
        create_tables(connection)
        built_in.build(connection, built_in.models())
        for number, (call_id, text) in enumerate(SAID):
            add(connection, call_id, [("bot", "Hello?"), ("human", text), ("bot", "Sure.")], number)
        connection.execute(
            "insert into fluents.messages (call_id, event_id, sender, text, received_at) values"
            " ('en', 'm1', 'human', 'I want to cancel my order, please.', ?),"
            " ('en', 'm2', 'human', 'Cancel it today', ?)",
            [AT + timedelta(minutes=1)] * 2,
        )
        connection.execute(
            "insert into fluents.post_call_results (call_id, event_id, result_text, received_at)"
            " values ('de', 'r1', '{\"topic\": \"Cancel\"}', ?)",
            [AT + timedelta(hours=1, minutes=1)],
        )
        yield connection


def add(
    connection: duckdb.DuckDBPyConnection, call_id: str, turns: list[tuple[str, str]], hours: float
) -> None:
    began = AT + timedelta(hours=hours)
    connection.execute(
        "insert into analytics.call_summary (call_id, first_event_at, last_event_at)"
        " values (?, ?, ?)",
        [call_id, began, began + timedelta(minutes=2)],
    )
    for place, (speaker, text) in enumerate(turns, 1):
        connection.execute(
            "insert into analytics.conversation_turns"
            " (call_id, line_index, speaker, text, first_event_at) values (?, ?, ?, ?, ?)",
            [call_id, place, speaker, text, began],
        )


def found(connection: duckdb.DuckDBPyConnection, words: str) -> list[tuple[str, str]]:
    return [(hit.call_id, hit.source) for hit in search(connection, words).hits]


@pytest.mark.parametrize(
    ("words", "call_id"),
    [
        ("ORDER", "en"),
        ("grusse", None),
        ("grüße", "de"),
        ("GRUSSE", None),
        ("straße gruße", "de"),
        ("reservation quatre", "fr"),
        ("Réservation", "fr"),
        ("MAÑANA", "es"),
        ("manana", "es"),
        ("予約", "ja"),
        ("الحجز", "ar"),
        ("आरक्षण", "hi"),
        ("κρατηση", "el"),
        ('"cancelar la reserva"', "es"),
        ('"la cancelar"', None),
        ("100%", "signs"),
        ("%", "signs"),
        ("sure_it", "signs"),
        ("sureXit", None),
        (r"a\b", "signs"),
        ("*test*", "signs"),
        ("t.st", None),
        ("[mhm]", "signs"),
        ("it's", "signs"),
    ],
)
def test_words_are_found_in_any_language_and_signs_are_only_signs(
    warehouse: duckdb.DuckDBPyConnection, words: str, call_id: str | None
) -> None:
    expected = [(call_id, "transcripts")] if call_id else []
    assert found(warehouse, words) == expected


def test_a_message_that_a_turn_says_already_is_found_once(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert found(warehouse, "cancel") == [
        ("es", "transcripts"),
        ("de", "results"),
        ("en", "transcripts"),
        ("en", "messages"),
    ]
    assert [hit.text for hit in search(warehouse, "cancel", sources=["messages"]).hits] == [
        "Cancel it today",
        "I want to cancel my order, please.",
    ]


def test_the_turns_beside_a_turn_are_given(warehouse: duckdb.DuckDBPyConnection) -> None:
    (hit,) = search(warehouse, "Θέλω", beside=1).hits
    assert [(turn.place, turn.speaker) for turn in hit.beside] == [
        (1, "bot"),
        (2, "human"),
        (3, "bot"),
    ]


def test_a_span_of_time_is_kept_to(warehouse: duckdb.DuckDBPyConnection) -> None:
    since, until = AT + timedelta(hours=2), AT + timedelta(hours=4)
    hits = search(warehouse, "hello", since=since, until=until).hits
    assert [hit.call_id for hit in hits] == ["es", "fr"]


def test_what_is_left_is_said(warehouse: duckdb.DuckDBPyConnection) -> None:
    answer = search(warehouse, "hello", limit=3)
    assert [hit.call_id for hit in answer.hits] == ["signs", "el", "hi"]
    assert answer.has_more
    assert not search(warehouse, "hello", limit=len(SAID)).has_more


@pytest.mark.parametrize(
    "words",
    [
        "",
        " ",
        '""',
        '" "',
        "x" * 1001,
        " ".join("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ],
)
def test_nothing_and_too_much_are_refused(warehouse: duckdb.DuckDBPyConnection, words: str) -> None:
    with pytest.raises(QueryError):
        search(warehouse, words)


def test_a_warehouse_without_models_says_what_to_run() -> None:
    with duckdb.connect() as empty, pytest.raises(QueryError, match="fluents-warehouse load"):
        search(empty, "word")


def test_when_time_is_up_it_says_how_far_it_came_and_goes_on_from_there() -> None:
    with duckdb.connect() as connection:
        create_tables(connection)
        built_in.build(connection, built_in.models())
        count = FIRST_CALLS + 500
        connection.execute(
            "insert into analytics.call_summary (call_id, first_event_at, last_event_at)"
            " select i::varchar, ?::timestamptz + to_seconds(i), ?::timestamptz + to_seconds(i)"
            f" from range({count}) as calls (i)",
            [AT, AT],
        )
        connection.execute(
            "insert into analytics.conversation_turns (call_id, line_index, text, first_event_at)"
            " select call_id, 1, 'word ' || call_id, first_event_at from analytics.call_summary"
        )

        first = search(connection, '"word 1"', limit=count, seconds=0)
        rest = search(connection, '"word 1"', limit=count, seconds=0, until=first.looked_back_to)

        assert (first.searched_calls, rest.searched_calls) == (FIRST_CALLS, 500)
        assert rest.looked_back_to == AT
        hits = [hit.call_id for hit in (*first.hits, *rest.hits)]
        assert hits == [str(i) for i in range(count - 1, -1, -1) if str(i).startswith("1")]
        assert search(connection, "word", until=AT).looked_back_to is None


TEXTS = st.text(st.sampled_from("aAáÁbBñe\u0301é %_\"'*\\日本ａα"), max_size=12)


@settings(deadline=None, max_examples=60)
@given(st.lists(TEXTS.filter(str.strip), min_size=1, max_size=6), TEXTS)
def test_every_hit_is_one_and_none_is_missed(texts: list[str], words: str) -> None:
    try:
        pieces = [plain(piece) for piece in pieces_of(words)]
    except QueryError:
        return
    expected = {
        str(number)
        for number, text in enumerate(texts)
        if all(piece in plain(text) for piece in pieces)
    }
    with duckdb.connect() as connection:
        connection.execute(
            "create schema analytics; create schema fluents;"
            "create table analytics.call_summary"
            " (call_id varchar, first_event_at timestamptz, last_event_at timestamptz);"
            "create table analytics.conversation_turns (call_id varchar, line_index bigint,"
            " speaker varchar, text varchar, first_event_at timestamptz);"
            "create table fluents.messages (call_id varchar, event_id varchar, sender varchar,"
            " text varchar, received_at timestamptz);"
            "create table fluents.post_call_results (call_id varchar, event_id varchar,"
            " result_text varchar, received_at timestamptz)"
        )
        for number, text in enumerate(texts):
            add(connection, str(number), [("human", text)], number)

        assert {call_id for call_id, _ in found(connection, words)} == expected


def plain(text: str) -> str:
    """Lower case without accents, by Python."""
    decomposed = unicodedata.normalize("NFD", text)
    kept = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return unicodedata.normalize("NFC", kept).lower()


@pytest.mark.parametrize(
    ("position", "shown"),
    [(1, "abcdef…"), (5, "…cdefgh…"), (10, "…hij")],
)
def test_a_long_text_is_cut_around_what_was_found(position: int, shown: str) -> None:
    hit = Hit("c", AT, "transcripts", 1, "bot", "abcdefghij", position)
    assert snippet(hit, 6) == shown
