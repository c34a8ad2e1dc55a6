# ruff: noqa: RUF001 # characters that look alike are what this is about
"""Small warehouses to search in, in memory, and a slow search in plain Python to compare with."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import duckdb

from fluents_pipelines.sql_files import sql_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLES = (
    *("fluents.calls", "analytics.call_summary", "analytics.conversation_turns"),
    *("fluents.messages", "fluents.post_call_results"),
)
START = datetime(2026, 1, 1, tzinfo=UTC)

_TABLES = """
set timezone = 'UTC';
create schema fluents;
create schema analytics;
create table fluents.calls
    (call_id varchar, first_event_at timestamptz, last_event_at timestamptz);
create table analytics.call_summary
    (call_id varchar, first_event_at timestamptz,
     webhook varchar, agent varchar, direction varchar);
create table analytics.conversation_turns
    (call_id varchar, line_index bigint, speaker varchar, text varchar, first_event_at timestamptz);
create table fluents.messages
    (call_id varchar, event_id varchar, received_at timestamptz, sender varchar, text varchar);
create table fluents.post_call_results
    (call_id varchar, event_id varchar, received_at timestamptz, result_text varchar);
"""


@dataclass(frozen=True)
class Call:
    """A call: what was said in it by whom, and its results."""

    call_id: str
    turns: list[tuple[str, str]] = field(default_factory=list)
    messages: list[tuple[str, str]] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    hour: float = 0
    """When it began, after `START`."""
    agent: str | None = None

    @property
    def first_event_at(self) -> datetime:
        return START + timedelta(hours=self.hour)


@contextmanager
def warehouse(calls: Iterable[Call] = ()) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables that a search reads, with these calls."""
    with duckdb.connect() as connection:
        connection.execute(_TABLES)
        connection.execute(f"create table analytics.search_texts as {model()} limit 0")
        fill(connection, calls)
        yield connection


def fill(connection: duckdb.DuckDBPyConnection, calls: Iterable[Call]) -> None:
    """Puts these calls in the place of those that are there; `search_texts` by its model."""
    rows: dict[str, list[tuple[object, ...]]] = {table: [] for table in TABLES}
    for call in calls:
        at, last = call.first_event_at, call.first_event_at + timedelta(minutes=5)
        rows["fluents.calls"] += [(call.call_id, at, last)]
        rows["analytics.call_summary"] += [(call.call_id, at, "main", call.agent, "inbound")]
        rows["analytics.conversation_turns"] += [
            (call.call_id, n, *turn, at) for n, turn in enumerate(call.turns, 1)
        ]
        rows["fluents.messages"] += [
            (call.call_id, f"{n:05}", at, *said) for n, said in enumerate(call.messages)
        ]
        rows["fluents.post_call_results"] += [
            (call.call_id, f"{n:05}", last, text) for n, text in enumerate(call.results)
        ]
    for table, of_table in rows.items():
        connection.execute(f"delete from {table}")
        for row in of_table:
            connection.execute(f"insert into {table} values ({', '.join('?' * len(row))})", row)
    connection.execute(
        f"delete from analytics.search_texts; insert into analytics.search_texts {model()}"
    )


def model() -> str:
    """The SQL of `analytics.search_texts`."""
    return (sql_folder() / "models" / "search_texts.sql").read_text(encoding="utf-8")


def is_said(words: Iterable[str], text: str) -> bool:
    """Whether all the words are in a text, as Unicode's own tables say."""
    plain = plain_form(text)
    return all(plain_form(word).strip() in plain for word in words)


def plain_form(text: str) -> str:
    """A text without case, accents and widths."""
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    of_one_width = "".join(
        unicodedata.normalize("NFKD", c)
        if "\uff01" <= c <= "\uff9f" or "\ufb00" <= c <= "\ufb06"
        else c
        for c in spaced
    )
    kept = [
        c
        for c in unicodedata.normalize("NFD", of_one_width)
        if unicodedata.combining(c) in (0, 8, 9) and c not in "\u200b\u200d\u00ad\ufe0f"
    ]
    quotes = str.maketrans("‘’“”–—", "''\"\"--")
    return unicodedata.normalize("NFC", "".join(kept).casefold().translate(quotes))
