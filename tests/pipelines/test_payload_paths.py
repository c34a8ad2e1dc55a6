"""Each name that the settings take is found in a payload by DuckDB, and makes a column."""

from __future__ import annotations

import json
from functools import reduce
from typing import Any

import duckdb
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fluents_connector.settings import Settings
from fluents_connector.settings.payload_fields import PAYLOAD_FIELDS, wrong_path
from fluents_pipelines.models.built_in import models
from fluents_pipelines.sql_text import json_path

PARTS = st.text(st.sampled_from("ab\\\"'$*[]#?:/ é😀select") | st.characters(codec="utf-8"))


@settings(deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=4).map(".".join))
@example("*")
@example("a.*")
@example("a\\")
@example("a..b")
def test_a_name_that_is_taken_is_found(path: str) -> None:
    if wrong_path(path):
        return
    payload: Any = reduce(lambda inner, name: {name: inner}, reversed(path.split(".")), 7)
    (found,) = duckdb.execute(
        "select json_extract(?::json, ?::varchar[])", [json.dumps(payload), [json_path(path)]]
    ).fetchall()
    assert found == (["7"],)


def test_words_of_sql_and_signs_make_columns() -> None:
    names = ["select", "from", "order by", "it's", 'a "b"', "a-b", "é", "1", "x" * 128, "a.b.c"]
    assert not any(map(wrong_path, names))
    (wide,) = (
        model
        for model in models(Settings(post_call_columns=dict.fromkeys(names, "text")))
        if model.name == "post_call_wide"
    )
    with duckdb.connect() as connection:
        connection.execute(
            "create schema fluents; create table fluents.post_call_results as select 'e' as"
            " event_id, 'c' as call_id, now() as received_at, 't' as result_text, ?::json as"
            " result_json",
            [json.dumps(dict.fromkeys(names[:-1], "v") | {"a": {"b": {"c": "v"}}})],
        )
        result = connection.sql(wide.sql)
        assert result.columns[5:] == [*names[:-1], "a_b_c"]
        assert result.fetchall()[0][4:] == ("t", *["v"] * len(names))


def test_the_built_in_names_would_be_taken() -> None:
    assert not any(wrong_path(path) for paths in PAYLOAD_FIELDS.values() for path in paths)
