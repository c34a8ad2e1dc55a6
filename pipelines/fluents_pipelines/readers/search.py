"""Finds what was said: words in conversations, messages and post-call results, newest calls first.

A text is found if it holds every word and every "phrase in quotes", as parts of words too, in
whichever case and with whichever accents. Nothing is indexed, so a load costs nothing for it:
DuckDB looks through the texts of some thousand calls, then of more, until there are hits enough or
time is up. What is searched is in `sql/search`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import duckdb

from fluents_connector.errors import QueryError
from fluents_pipelines.sql_files import sql_folder

SOURCES = ("transcripts", "messages", "results")
FIRST_CALLS = 2_000  # looked through at first; then four times as many, and so on
MOST_CALLS = 128_000
MOST_PIECES = 50
MOST_CHARACTERS = 1_000  # of what is searched for
_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9999, 12, 31, tzinfo=UTC)
_PIECE = re.compile(r'"([^"]*)"?|(\S+)')


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
    position: int
    """Where the longest piece is in `text`, from 1; about, where accents are characters."""
    beside: list[Turn] = field(default_factory=list)
    """Turns before and after it, and itself, where any were asked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """The hits, newest call first."""

    hits: list[Hit]
    searched_calls: int
    looked_back_to: datetime | None
    """All calls since then were looked through; None where that is all there are."""
    has_more: bool
    """Whether there are more hits than were asked for."""


def pieces_of(words: str) -> list[str]:
    """The words and phrases of a search. Raises `QueryError` where there is none, or too many."""
    if len(words) > MOST_CHARACTERS:
        raise QueryError(f"A search has at most {MOST_CHARACTERS:,} characters.")
    found = [(phrase or word).strip() for phrase, word in _PIECE.findall(words)]
    pieces = list(dict.fromkeys(filter(None, found)))
    if not pieces:
        raise QueryError('Give a word to search for, or several, or a "phrase in quotes".')
    if len(pieces) > MOST_PIECES:
        raise QueryError(f"A search has at most {MOST_PIECES} words.")
    return pieces


def search(
    connection: duckdb.DuckDBPyConnection,
    words: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    sources: Collection[str] = SOURCES,
    limit: int = 20,
    seconds: float = 10,
    beside: int = 0,
) -> Found:
    """Looks for `words` in the calls that began from `since` until before `until`.

    It ends at `limit` hits, or at the end of a step after `seconds`. `beside` is how many turns to
    give before and after a turn. Raises `QueryError`, also for a warehouse without models.
    """
    try:
        return _search(
            connection, words, since or _BEGIN, until or _END, sources, limit, seconds, beside
        )
    except duckdb.CatalogException as error:
        raise QueryError(
            "The warehouse has no models yet, or those of another version. "
            "Run `fluents-warehouse load`, then search again."
        ) from error
    except duckdb.InterruptException:  # by Ctrl-C
        raise KeyboardInterrupt from None
    except duckdb.Error as error:
        raise QueryError(str(error)) from error


def _search(
    connection: duckdb.DuckDBPyConnection,
    words: str,
    since: datetime,
    until: datetime,
    sources: Collection[str],
    limit: int,
    seconds: float,
    beside: int,
) -> Found:
    ends_at = time.monotonic() + seconds
    ((compared,),) = _rows(connection, "pieces", pieces=pieces_of(words))
    # what is nothing but accents is in every text
    pieces = sorted(filter(None, compared), key=len, reverse=True) or [""]
    hits: list[Hit] = []
    searched, calls, before = 0, FIRST_CALLS, until
    while True:
        ((begins, last, count),) = _rows(
            connection, "slice", since=since, until=before, calls=calls
        )
        if not count:
            return Found(hits, searched, None, has_more=False)
        found = _rows(
            connection,
            "texts",
            since=begins,
            until=before,
            last_event_at=last,
            sources=list(sources),
            longest=pieces[0],
            pieces=pieces,
            rows=limit - len(hits) + 1,
        )
        hits += [_with_turns(connection, Hit(*row), beside) for row in found]
        searched, before = searched + count, begins
        if len(hits) > limit:
            return Found(hits[:limit], searched, begins, has_more=True)
        if time.monotonic() >= ends_at:
            return Found(hits, searched, begins, has_more=False)
        calls = min(calls * 4, MOST_CALLS)


def _with_turns(connection: duckdb.DuckDBPyConnection, hit: Hit, beside: int) -> Hit:
    if not beside or hit.place is None:
        return hit
    rows = _rows(
        connection,
        "beside",
        call_id=hit.call_id,
        first_event_at=hit.first_event_at,
        first=hit.place - beside,
        last=hit.place + beside,
    )
    hit.beside.extend(Turn(*row) for row in rows)
    return hit


def _rows(connection: duckdb.DuckDBPyConnection, name: str, **values: Any) -> list[Any]:
    sql = (sql_folder() / "search" / f"{name}.sql").read_text(encoding="utf-8")
    return connection.execute(sql, values).fetchall()


def snippet(hit: Hit, width: int = 160) -> str:
    """The text around what was found, at most `width` characters, and … where it is cut."""
    begin = max(0, hit.position - 1 - width // 3)
    cut = hit.text[begin : begin + width]
    return ("…" if begin else "") + cut + ("…" if begin + width < len(hit.text) else "")
