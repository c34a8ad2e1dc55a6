# ruff: noqa: RUF001 # characters that look alike are what this is about
"""A search finds every text that has all its words, and no other, newest calls first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluents_connector.errors import QueryError
from fluents_pipelines.readers import search as searching
from fluents_pipelines.readers.comparing import shown
from fluents_pipelines.readers.hits import Found, Hit, Only, snippet
from fluents_pipelines.readers.search import pieces_of, search
from tests.pipelines.readers.spoken import START, Call, fill, is_said, plain_form, warehouse

CASES = Path(__file__).parents[2] / "data" / "search_cases"
LANGUAGES = sorted(path.stem for path in CASES.glob("*.json"))

# all together, but for quotes, which begin and end a phrase
LETTERS = (
    "aAäÄá\u0301 ßẞsSİiIı'’–-ﬁfiＦf１1%_.\\*[\u00a0\n\u200bΣσς🙂☎\ufe0f"
    "ハパﾊﾟか\u3099がह\u093fहीन्한하َم"
)


def where(found: Found) -> list[tuple[str, str, str]]:
    return [(hit.call_id, hit.source, hit.text) for hit in found.hits]


def hourly(count: int, text: str = "word") -> list[Call]:
    """Calls an hour apart, call-0 the oldest, each with a turn."""
    return [Call(f"call-{n}", turns=[("human", text)], hour=n) for n in range(count)]


def test_there_are_cases_for_each_language_of_the_simulator() -> None:
    assert {"arabic", "english", "french", "german", "japanese", "portuguese", "spanish"} < set(
        LANGUAGES
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_turns_in_the_file_are_found(language: str) -> None:
    case = json.loads((CASES / f"{language}.json").read_text(encoding="utf-8"))
    call = Call("only", turns=[("human", text) for text in case["texts"]])
    with warehouse([call]) as connection:
        found = {
            query: [hit.place for hit in search(connection, query).hits]
            for query in case["queries"]
        }
    assert found == case["queries"]


def spoken_calls() -> st.SearchStrategy[list[Call]]:
    texts = st.lists(st.text(LETTERS, max_size=12), max_size=3)
    return st.lists(st.tuples(texts, texts, texts), max_size=5).map(
        lambda calls: [
            Call(
                f"call-{n}",
                [("bot", text) for text in turns],
                [("human", text) for text in messages],
                results,
                hour=n,
            )
            for n, (turns, messages, results) in enumerate(calls)
        ]
    )


@pytest.fixture(scope="module")
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse that one test fills again and again."""
    with warehouse() as connection:
        yield connection


@settings(max_examples=40, deadline=None)
@given(calls=spoken_calls(), words=st.lists(st.text(LETTERS, max_size=3), min_size=1, max_size=3))
def test_all_that_is_found_was_said_and_all_that_was_said_is_found(
    empty: duckdb.DuckDBPyConnection, calls: list[Call], words: list[str]
) -> None:
    fill(empty, calls)
    query = " ".join(f'"{word}"' for word in words)
    for place in ("transcripts", "messages", "results"):
        said = sorted(
            (call.call_id, place, shown(text))
            for call in calls
            for text in _texts(call, place)
            if is_said(words, text)
        )
        try:
            found = search(empty, query, sources=[place], limit=1000)
        except QueryError:
            assert not plain_form("".join(words)).strip()
        else:
            assert sorted(where(found)) == said


def _texts(call: Call, place: str) -> list[str]:
    said = call.turns if place == "transcripts" else call.messages
    return call.results if place == "results" else [text for _, text in said]


def test_all_words_must_be_in_one_text() -> None:
    call = Call("one", turns=[("bot", "a refund"), ("human", "by card")], results=["refund, card"])
    with warehouse([call]) as connection:
        assert where(search(connection, "card refund")) == [("one", "results", "refund, card")]


def test_the_newest_calls_come_first_and_their_texts_in_order() -> None:
    old = Call("old", turns=[("bot", "word 1"), ("human", "no"), ("bot", "word 3")])
    new = Call("new", messages=[("human", "word")], results=["Word"], hour=1)
    with warehouse([old, new]) as connection:
        assert where(search(connection, "WORD")) == [
            ("new", "messages", "word"),
            ("new", "results", "Word"),
            ("old", "transcripts", "word 1"),
            ("old", "transcripts", "word 3"),
        ]


@pytest.mark.parametrize("source", ["transcripts", "messages", "results"])
def test_only_the_sources_asked_for_are_looked_in(source: str) -> None:
    call = Call("one", turns=[("bot", "word")], messages=[("bot", "word")], results=["word"])
    with warehouse([call]) as connection:
        assert where(search(connection, "word", sources=[source])) == [("one", source, "word")]


def test_a_message_that_a_turn_says_already_is_found_once() -> None:
    call = Call("one", [("human", "A word.")], [("human", "a WORD."), ("human", "other word")])
    with warehouse([call]) as connection:
        assert where(search(connection, "word")) == [
            ("one", "transcripts", "A word."),
            ("one", "messages", "other word"),
        ]


@pytest.mark.parametrize(("beside", "given"), [(0, []), (1, [2, 3, 4]), (5, [1, 2, 3, 4])])
def test_the_turns_beside_a_turn_are_given(beside: int, given: list[int]) -> None:
    call = Call("one", [("bot", text) for text in ("one", "two", "here", "four")])
    with warehouse([call]) as connection:
        (hit,) = search(connection, "here", beside=beside).hits
    assert (hit.place, [turn.place for turn in hit.beside]) == (3, given)


def test_since_is_included_and_until_is_not() -> None:
    hours = [START + timedelta(hours=n) for n in range(4)]
    with warehouse(hourly(4)) as connection:
        found = search(connection, "word", since=hours[1], until=hours[3])
    assert [hit.call_id for hit in found.hits] == ["call-2", "call-1"]
    assert (found.searched_calls, found.looked_back_to, found.has_more) == (2, None, False)


@pytest.mark.parametrize(
    ("only", "found"),
    [
        (Only(agent="Ada"), ["call-4", "call-2", "call-0"]),
        (Only(agent="unknown"), ["call-5", "call-3", "call-1"]),
        (Only(webhook="main", agent="Ada", direction="inbound"), ["call-4", "call-2", "call-0"]),
        (Only(direction="outbound"), []),
        (Only(webhook="other"), []),
    ],
    ids=str,
)
def test_only_the_calls_asked_for_are_looked_through_and_counted(
    only: Only, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "FIRST_CALLS", 2)
    agents = ("Ada", None)
    calls = [replace(call, agent=agents[n % 2]) for n, call in enumerate(hourly(6))]
    with warehouse(calls) as connection:
        answer = search(connection, "word", only=only)
        first = search(connection, "word", only=only, limit=1)
    assert [hit.call_id for hit in answer.hits] == found
    assert answer.searched_calls == len(found)
    assert first.has_more == (len(found) > 1)
    assert first.searched_calls == min(len(found), 2)


def test_what_is_left_is_said() -> None:
    with warehouse(hourly(9)) as connection:
        found = search(connection, "word", limit=3)
        assert [hit.call_id for hit in found.hits] == ["call-8", "call-7", "call-6"]
        assert found.has_more
        assert not search(connection, "word", limit=9).has_more


@pytest.mark.parametrize("at_once", [2, 500])
@pytest.mark.parametrize("text", ["one two", "one"], ids=["found", "not found"])
def test_when_time_is_up_it_goes_on_from_there_and_misses_nothing(
    monkeypatch: pytest.MonkeyPatch, at_once: int, text: str
) -> None:
    monkeypatch.setattr(searching, "FIRST_CALLS", 9)
    monkeypatch.setattr(searching, "_ROWS_AT_ONCE", at_once)
    monkeypatch.setattr(searching, "_BYTES_AT_ONCE", 5)
    calls = [
        Call(f"call-{n:02}", [("bot", text), ("bot", "two")], hour=n // 3 / 4) for n in range(30)
    ]
    seen: list[str] = []
    searched, until, searches = 0, None, 0
    with warehouse(calls) as connection:
        while searches == 0 or until:
            found = search(connection, "one two", limit=1000, seconds=0, until=until)
            seen += [hit.call_id for hit in found.hits]
            searched, until, searches = (
                searched + found.searched_calls,
                found.looked_back_to,
                searches + 1,
            )
    assert sorted(seen) == ([call.call_id for call in calls] if text == "one two" else [])
    assert searched == len(calls)
    assert searches > 3


def test_windows_of_hours_and_pages_of_calls_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "FIRST_CALLS", 2)
    monkeypatch.setattr(searching, "_ROWS_AT_ONCE", 2)
    calls = [Call(f"call-{n:02}", [("bot", "word")], hour=n // 4 / 2) for n in range(30)]
    with warehouse(calls) as connection:
        found = search(connection, "word", limit=1000)
    assert sorted(hit.call_id for hit in found.hits) == [call.call_id for call in calls]
    times = [hit.first_event_at for hit in found.hits]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("text", ["", None])
def test_texts_without_words_are_no_trouble(text: Any) -> None:
    call = Call("one", [("bot", text), ("bot", "word")], [("bot", text)], [text])
    with warehouse([call]) as connection:
        (hit,) = search(connection, "word", beside=1).hits
    assert [turn.text for turn in hit.beside] == ["", "word"]


@pytest.mark.parametrize(
    ("words", "pieces"),
    [
        ("refund card", ["refund", "card"]),
        ('"Card  Number" now', ["Card Number", "now"]),
        ("\u201ccard number\u201d", ["card number"]),
        ('"never closed', ["never closed"]),
        ('"" refund \u200b', ["refund"]),
        ("100% [a-z]+ a_b ?", ["100%", "[a-z]+", "a_b", "?"]),
    ],
)
def test_a_search_is_words_and_phrases(words: str, pieces: list[str]) -> None:
    assert pieces_of(words) == pieces


@pytest.mark.parametrize(
    "words",
    [
        *("", " ", '""', '" "', "\u200b", "\u0301"),
        "x" * 1001,
        " ".join("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ],
)
def test_nothing_and_too_much_are_refused(words: str) -> None:
    with warehouse() as connection, pytest.raises(QueryError):
        search(connection, words)


def test_an_empty_warehouse_has_nothing() -> None:
    with warehouse() as connection:
        assert search(connection, "word") == Found([], 0, None, has_more=False)


@pytest.mark.parametrize(
    "older",
    [
        "",
        "create schema analytics; create table analytics.call_summary (first_event_at timestamptz)",
    ],
    ids=["no models", "an older version's"],
)
def test_a_warehouse_without_these_models_says_what_to_run(older: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(older)
        with pytest.raises(QueryError, match="fluents-warehouse load"):
            search(connection, "word")


@pytest.mark.parametrize(
    ("position", "cut"),
    [(1, "abcdef…"), (5, "…cdefgh…"), (10, "…hij")],
)
def test_a_long_text_is_cut_around_what_was_found(position: int, cut: str) -> None:
    hit = Hit("c", START, "transcripts", 1, "bot", "abcdefghij", position)
    assert snippet(hit, 6) == cut
