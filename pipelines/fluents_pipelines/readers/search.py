"""Finds what was said: words in conversations, messages and post-call results, newest calls first.

A text is found if it holds every word and every "phrase in quotes", as parts of words too, in
whichever case and with whichever accents: `fluents_pipelines.readers.comparing` says what is alike.
DuckDB looks for calls that may have such a text in `analytics.search_texts`, in the newest first,
until there are hits enough or time is up; then the texts of these calls are read and compared. What
is searched is in `sql/search`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import duckdb

from fluents_connector.errors import QueryError
from fluents_pipelines.readers.comparing import compared, matched, shown
from fluents_pipelines.readers.hits import ALL_CALLS, SOURCES, Found, Hit, Only, Turn
from fluents_pipelines.sql_files import sql_folder

FIRST_CALLS = 20_000  # looked through at first, and a few more; then four times as many, and so on
MOST_CALLS = 320_000  # in one step, which is not interrupted when time is up
MOST_PIECES = 50
MOST_CHARACTERS = 1_000  # of what is searched for
_ROWS_AT_ONCE = 500
_BYTES_AT_ONCE = 16 * 1024**2  # of the texts that are read together
_READ_BY = {"transcripts": "turns", "messages": "messages", "results": "results"}
_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9999, 12, 31, tzinfo=UTC)
_PIECE = re.compile(r'"([^"]*)"?|(\S+)')
_QUOTES = str.maketrans("\u201c\u201d", '""')


def pieces_of(words: str) -> list[str]:
    """The words and phrases of a search. Raises `QueryError` where there is none, or too many."""
    if len(words) > MOST_CHARACTERS:
        raise QueryError(f"A search has at most {MOST_CHARACTERS:,} characters.")
    found = [shown(phrase or word) for phrase, word in _PIECE.findall(words.translate(_QUOTES))]
    pieces = list(dict.fromkeys(piece for piece in found if compared(piece).strip()))
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
    only: Only = ALL_CALLS,
    sources: Collection[str] = SOURCES,
    limit: int = 20,
    seconds: float = 10,
    beside: int = 0,
) -> Found:
    """Looks for `words` in the calls of `only` that began from `since` until before `until`.

    It ends at `limit` hits, or at the end of a step after `seconds`. `beside` is how many turns to
    give before and after a turn. A message is left out where a hit of its call is a turn in the
    same words. Raises `QueryError`, also for a warehouse of an older version.
    """
    wanted = [compared(piece).strip() for piece in pieces_of(words)]
    try:
        return _Search(connection, wanted, only, sources, beside).found(
            since or _BEGIN, until or _END, limit, seconds
        )
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise QueryError(
            "The warehouse has no models yet, or those of another version. "
            "Run `fluents-warehouse load`, then search again."
        ) from error
    except duckdb.InterruptException:  # by Ctrl-C
        raise KeyboardInterrupt from None
    except duckdb.Error as error:
        raise QueryError(str(error)) from error


class _Call(NamedTuple):
    call_id: str
    first_event_at: datetime
    last_event_at: datetime
    bytes: int


class _Search:
    """One search for `wanted`, which are compared forms."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        wanted: list[str],
        only: Only,
        sources: Collection[str],
        beside: int,
    ) -> None:
        self._connection, self._wanted, self._beside = connection, wanted, beside
        self._only = only
        self._sources = [source for source in SOURCES if source in sources]
        # of a phrase each part, as in `search_texts` any white space may be between them
        parts = sorted({part for one in wanted for part in one.split()}, key=len, reverse=True)
        ((in_their_form,),) = self._rows("pieces", pieces=parts)
        self._parameters = {
            "longest": in_their_form[0],
            "all_pieces": in_their_form,
            **{f"in_{source}": source in sources for source in SOURCES},
        }

    def found(self, since: datetime, until: datetime, limit: int, seconds: float) -> Found:
        ends_at = time.monotonic() + seconds
        hits: list[Hit] = []
        searched, oldest = 0, until
        for begins, ends, calls in self._windows(since, until):
            if oldest < until and time.monotonic() >= ends_at:
                return Found(hits, searched, oldest, has_more=False)
            for batch in _batches(self._candidates(begins, ends)):
                if batch[0].first_event_at < oldest < ends and time.monotonic() >= ends_at:
                    searched += self._calls_since(oldest, ends)
                    return Found(hits, searched, oldest, has_more=False)
                asked_for = self._asked_for(batch)
                texts = self._texts(asked_for) if asked_for else {}
                for call in asked_for:
                    hits += self._hits(call, texts)
                    if len(hits) > limit:
                        searched += self._calls_since(call.first_event_at, ends)
                        return Found(hits[:limit], searched, call.first_event_at, has_more=True)
                oldest = batch[-1].first_event_at
            searched, oldest = searched + calls, begins
        return Found(hits, searched, None, has_more=False)

    def _windows(
        self, since: datetime, until: datetime
    ) -> Iterator[tuple[datetime, datetime, int]]:
        """From and before when, newest first, and how many calls are asked for of that time.

        Of few hours at first.
        """
        size, calls, ends = FIRST_CALLS, 0, until
        asked_for = 0
        hours = self._hours(since, until)
        for number, (starts_at, of_hour, asked_for_of_hour) in enumerate(hours, 1):
            calls, asked_for = calls + of_hour, asked_for + asked_for_of_hour
            if calls >= size or number == len(hours):
                begins = max(since, starts_at)
                yield begins, ends, asked_for
                size, calls, asked_for, ends = min(4 * size, MOST_CALLS), 0, 0, begins

    def _calls_since(self, begins: datetime, ends: datetime) -> int:
        return sum(asked_for for _, _, asked_for in self._hours(begins, ends))

    def _hours(self, since: datetime, until: datetime) -> list[tuple[datetime, int, int]]:
        return self._rows("hours", since=since, until=until, **self._only._asdict())

    def _asked_for(self, batch: list[_Call]) -> list[_Call]:
        if self._only == ALL_CALLS:
            return batch
        rows = self._rows(
            "asked_for",
            call_ids=[call.call_id for call in batch],
            since=min(call.first_event_at for call in batch),
            until=max(call.first_event_at for call in batch),
            **self._only._asdict(),
        )
        found = {call_id for (call_id,) in rows}
        return [call for call in batch if call.call_id in found]

    def _candidates(self, begins: datetime, ends: datetime) -> Iterator[_Call]:
        before_call = ""  # so none at `ends` itself
        while True:
            rows = self._rows(
                "calls",
                since=begins,
                until=ends,
                before_call=before_call,
                rows=_ROWS_AT_ONCE,
                **self._parameters,
            )
            calls = [_Call(*row) for row in rows]
            yield from calls
            if len(calls) < _ROWS_AT_ONCE:
                return
            before_call, ends = calls[-1].call_id, calls[-1].first_event_at

    def _texts(self, calls: list[_Call]) -> dict[tuple[str, str], list[Turn]]:
        """What was said in some calls, by source and call."""
        texts: dict[tuple[str, str], list[Turn]] = {}
        for source in self._sources:
            rows = self._rows(
                _READ_BY[source],
                call_ids=[call.call_id for call in calls],
                since=min(call.first_event_at for call in calls),
                until=max(call.last_event_at for call in calls),
            )
            for call_id, place, speaker, text in rows:
                said = Turn(place, speaker, text or "")
                texts.setdefault((source, call_id), []).append(said)
        return texts

    def _hits(self, call: _Call, texts: dict[tuple[str, str], list[Turn]]) -> Iterator[Hit]:
        turns_found: set[str] = set()
        for source in self._sources:
            all_said = texts.get((source, call.call_id), [])
            for number, said in enumerate(all_said):
                text = shown(said.text)
                match = matched(text, self._wanted)
                if match is None:
                    continue
                if source == "transcripts":
                    turns_found.add(compared(text))
                elif source == "messages" and compared(text) in turns_found:
                    continue
                yield Hit(
                    call.call_id,
                    call.first_event_at,
                    source,
                    said.place if source == "transcripts" else None,
                    said.speaker,
                    text,
                    match[0] + 1,
                    self._turns_beside(all_said, number) if source == "transcripts" else [],
                )

    def _turns_beside(self, turns: list[Turn], number: int) -> list[Turn]:
        if not self._beside:
            return []
        some = turns[max(0, number - self._beside) : number + self._beside + 1]
        return [turn._replace(text=shown(turn.text)) for turn in some]

    def _rows(self, name: str, **values: Any) -> list[Any]:
        return self._connection.execute(_sql(name), values).fetchall()


@cache
def _sql(name: str) -> str:
    return (sql_folder() / "search" / f"{name}.sql").read_text(encoding="utf-8")


def _batches(calls: Iterable[_Call]) -> Iterator[list[_Call]]:
    """Calls to read together, never apart from one of the same instant where that can be.

    Few at first, as these may be enough, and not too much text.
    """
    batch: list[_Call] = []
    most, size = 25, 0
    for call in calls:
        is_full = len(batch) >= most or size + call.bytes > _BYTES_AT_ONCE
        if batch and is_full and call.first_event_at < batch[-1].first_event_at:
            yield batch
            batch, most, size = [], min(2 * most, _ROWS_AT_ONCE), 0
        batch.append(call)
        size += call.bytes
    if batch:
        yield batch
