"""A row of any types becomes a sentence and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from fluents_pipelines.alerts.files import Alert
from fluents_pipelines.alerts.sentences import LONGEST, as_json, in_words, key_of, sentence
from fluents_pipelines.sql_files import parse_file

WORDS = {
    "null": ("unknown", None),
    "true": ("yes", True),
    "1234567": ("1,234,567", 1234567),
    "3.0::double": ("3", 3.0),
    "0.12345::double": ("0.123", 0.12345),
    "1.50::decimal(5, 2)": ("1.50", 1.5),
    "'nan'::double": ("nan", None),
    "'-infinity'::double": ("-inf", None),
    "'a\nb'": ("a\nb", "a\nb"),
    "date '2026-01-31'": ("2026-01-31", "2026-01-31"),
    "timestamp '2026-01-31 12:00:30'": ("2026-01-31 12:00", "2026-01-31T12:00:30"),
    "timestamptz '2026-01-31 12:00:30Z'": (
        "2026-01-31 13:00 Europe/Berlin",
        "2026-01-31T12:00:30+00:00",
    ),
    "interval 59 second": ("59 s", 59.0),
    "interval 119 minute": ("119 min", 7140.0),
    "interval 135 minute": ("2 h 15 min", 8100.0),
    "interval 3 hour": ("3 h", 10800.0),
    "interval 50 hour": ("2 days 2 h", 180000.0),
    "interval 2 day": ("2 days", 172800.0),
    "[1, null]": ("[1, None]", [1, None]),
    "{'a': interval 1 minute}": ("{'a': datetime.timedelta(seconds=60)}", {"a": 60.0}),
    "'x'::blob": ("b'x'", "b'x'"),
    "'5c0e5a5c-0000-4000-8000-000000000000'::uuid": (
        "5c0e5a5c-0000-4000-8000-000000000000",
        "5c0e5a5c-0000-4000-8000-000000000000",
    ),
}


def alert(says: str, **header: str) -> Alert:
    key = tuple(header.get("key", "").split())
    return Alert(parse_file(Path("a.sql"), "select 1"), "warning", says, "", key, ())


@pytest.mark.parametrize(("sql", "expected"), WORDS.items(), ids=WORDS)
def test_a_value_in_words_and_as_json(sql: str, expected: tuple[str, object]) -> None:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        ((value,),) = connection.execute(f"select {sql}").fetchall()
    assert (in_words(value, "Europe/Berlin"), as_json(value)) == expected
    json.dumps(as_json(value), allow_nan=False)


def test_what_others_wrote_stays_on_one_line_and_is_cut() -> None:
    shown = sentence(alert("Here: {a} {b}."), {"a": "x\x1b[2J\ny{b}", "b": "z" * 9999}, "UTC")
    assert shown == f"Here: x\\x1b[2J\\ny{{b}} {'z' * LONGEST}…."


def test_a_rate_is_shown_in_per_cent() -> None:
    values = {"a_rate": 0.125, "b_rate": None, "c": 0.5}
    assert sentence(alert("{a_rate} {b_rate} {c}"), values, "UTC") == "12.5 % unknown 0.5"


def test_only_the_columns_of_the_key_tell_findings_apart() -> None:
    keyed = alert("x", key="a b")
    assert key_of(keyed, {"a": 1, "b": "2", "c": 3}) == key_of(keyed, {"b": "2", "a": 1, "c": 4})
    assert key_of(keyed, {"a": 1, "b": "2"}) != key_of(keyed, {"a": "1", "b": "2"})
    assert len(key_of(alert("x"), {"a": "\ud800"})) == 16
