from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.errors import ModelError
from fluents_connector.settings import Settings
from fluents_connector.simulator import simulate
from fluents_pipelines.load import Loader, LoadResult
from fluents_pipelines.models import built_in
from tests.deliveries import START, Clock, append_all, body, delivery
from tests.loads import copy_of, load_once
from tests.pipelines.conftest import Query

Load = Callable[[], LoadResult]
NUMBERS = {"from_number": "+15551112222", "to_number": "+15553334444", "is_outgoing": True}


def at(second: int) -> datetime:
    return datetime.fromtimestamp(START / 1e6 + second, UTC)


@pytest.fixture(scope="module")
def three_calls_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A talk with a human, a busy line, and a call of which only an error is known."""
    talk = "BOT: Hello.\nHUMAN: Hi.\nBOT: Bye.\nHUMAN: Bye."
    result = json.dumps({"interested": True, "score": 7, "notes": {"city": "Bonn", "zip": None}})
    return load_once(
        tmp_path_factory.mktemp("three_calls"),
        [
            body("event_phone_call_connected", {}, call_id="talk", **NUMBERS),
            body("event_transcript", {"transcript": "BOT: Hello."}, call_id="talk"),
            body("event_phone_call_ended", {}, call_id="talk", **NUMBERS),
            body("event_transcript", {"transcript": talk}, call_id="talk"),
            body("event_transcript", {"transcript": talk}, call_id="talk"),
            body("event_post_call_processing_completed", {"summary": result}, call_id="talk"),
            body(
                "event_phone_call_did_not_connect",
                {"telephony_status": "busy"},
                call_id="busy",
                **NUMBERS,
            ),
            body("event_error", "lost", call_id="lost"),
            b"{",
        ],
    )


@pytest.fixture
def three_calls(three_calls_folder: Path, tmp_path: Path) -> None:
    copy_of(three_calls_folder, tmp_path)


@pytest.mark.usefixtures("three_calls")
def test_call_summary_says_what_became_of_each_call(query: Query) -> None:
    assert query(
        "select call_id, direction, status, outcome, did_not_connect_reason, event_count,"
        " transcript_count, turn_count, human_turn_count, receipt_duration_seconds,"
        " has_connected, has_transcript, has_post_call_result, has_error, latest_transcript"
        " from analytics.call_summary order by call_id"
    ) == [
        (
            "busy",
            "outbound",
            "did_not_connect",
            "did_not_connect",
            "busy",
            1,
            0,
            None,
            None,
            None,
            False,
            False,
            False,
            False,
            None,
        ),
        (
            "lost",
            None,
            "error",
            "unknown",
            None,
            1,
            0,
            None,
            None,
            None,
            False,
            False,
            False,
            True,
            None,
        ),
        (
            "talk",
            "outbound",
            "ended",
            "human",
            None,
            5,
            2,
            4,
            2,
            2.0,
            True,
            True,
            True,
            False,
            "BOT: Hello.\nHUMAN: Hi.\nBOT: Bye.\nHUMAN: Bye.",
        ),
    ]


@pytest.mark.usefixtures("three_calls")
def test_calls_daily_counts_calls_by_day_and_direction(query: Query) -> None:
    assert query(
        "select first_event_on, direction, webhook, call_count, connected_count,"
        " did_not_connect_count, human_count, unknown_outcome_count, post_call_result_count,"
        " error_call_count, timed_call_count, mean_duration_seconds"
        " from analytics.calls_daily order by direction"
    ) == [
        (date(2026, 1, 1), "outbound", "main", 2, 1, 1, 1, 0, 1, 0, 1, 2.0),
        (date(2026, 1, 1), "unknown", "main", 1, 0, 0, 0, 1, 0, 1, 0, None),
    ]


@pytest.mark.usefixtures("three_calls")
def test_post_call_fields_has_a_row_for_each_field_however_deep(query: Query) -> None:
    assert query(
        "select path, type, text, number, boolean from analytics.post_call_fields order by path"
    ) == [
        ("$.interested", "boolean", "true", None, True),
        ("$.notes.city", "text", "Bonn", None, None),
        ("$.notes.zip", "null", None, None, None),
        ("$.score", "number", "7", 7.0, None),
    ]


def test_numbers_and_booleans_in_text_count_as_such_and_items_of_a_list_share_a_path(
    buffer: SqliteBuffer, clock: Clock, load: Load, query: Query
) -> None:
    texts = [
        "42",
        " -1.5 ",
        "True",
        "yes",
        "02139",
        "+15550001111",
        "1234567890",
        "1e5",
        "2026-01-01",
    ]
    append_all(
        buffer,
        [
            body(
                "event_post_call_processing_completed",
                {"result": {"texts": texts, "list": [{"tags": ["a", 7]}, {"tags": ["b"]}]}},
                call_id="talk",
            )
        ],
        clock,
    )
    load()

    values = "select path, type, number, boolean from analytics.post_call_fields"
    assert query(f"{values} where path = '$.texts[*]' order by item_path") == [
        ("$.texts[*]", "number", 42.0, None),
        ("$.texts[*]", "number", -1.5, None),
        ("$.texts[*]", "boolean", None, True),
        *[("$.texts[*]", "text", None, None)] * 6,
    ]
    assert query(
        "select path, item_path, text from analytics.post_call_fields"
        " where path like '%tags%' order by item_path"
    ) == [
        ("$.list[*].tags[*]", "$.list[0].tags[0]", "a"),
        ("$.list[*].tags[*]", "$.list[0].tags[1]", "7"),
        ("$.list[*].tags[*]", "$.list[1].tags[0]", "b"),
    ]
    daily = "select filled_count, filled_rate, number_count, boolean_count, text_count"
    assert query(f"{daily} from analytics.post_call_fields_daily where path = '$.texts[*]'") == [
        (1, 1.0, 2, 1, 6)
    ]


def test_post_call_fields_daily_counts_the_latest_result_of_each_call(
    buffer: SqliteBuffer, clock: Clock, load: Load, query: Query
) -> None:
    type_ = "event_post_call_processing_completed"
    append_all(
        buffer,
        [
            body(type_, {"result": {"score": 1}}, call_id="analysed twice"),
            body(type_, {"result": {"score": 3}}, call_id="analysed twice"),
            body(type_, {"result": "no JSON"}, call_id="analysed twice"),
            body(type_, {"result": {"score": 9}}, call_id="analysed once"),
        ],
        clock,
    )
    load()

    daily = "select result_count, filled_count, mean_number from analytics.post_call_fields_daily"
    assert query(daily) == [(2, 2, 6.0)]
    assert query("select number, is_latest from analytics.post_call_fields order by number") == [
        (1.0, False),
        (3.0, True),
        (9.0, True),
    ]


def test_of_a_key_that_a_result_repeats_the_first_counts(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings, query: Query
) -> None:
    result = '{"a": 1, "a": 2, "list": [{"x": null, "y": 5, "x": 3}, 7], "b": 4}'
    done = "event_post_call_processing_completed"
    append_all(buffer, [body(done, {"summary": result})], clock)
    load()

    assert query("select item_path, text from analytics.post_call_fields order by all") == [
        ("$.a", "1"),
        ("$.b", "4"),
        ("$.list[0].x", None),
        ("$.list[0].y", "5"),
        ("$.list[1]", "7"),
    ]
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        assert not [one for one in built_in.run_checks(connection) if one.offending_rows]


OUTCOMES = {  # by call: its transcript, a detection, whether it connected, and the outcome
    "bot only": ("BOT: Hi", None, True, ("connected", False)),
    "greeting": ("HUMAN: Please leave a message.", None, True, ("connected", False)),
    "greeting without start": ("HUMAN: Leave a message.", None, False, ("connected", True)),
    "conversation": ("HUMAN: Hello\nBOT: Hi\nHUMAN: Bye", None, True, ("human", True)),
    "greeting, human": ("HUMAN: Hello", "human", True, ("human", False)),
    "talk, no human": ("HUMAN: Hi\nBOT: Hi\nHUMAN: Bye", "no_human", True, ("no_human", False)),
    "nothing but a bot": ("BOT: Hi", None, False, ("unknown", None)),
}


def test_a_greeting_without_an_answer_is_no_human_unless_one_is_detected(
    buffer: SqliteBuffer, clock: Clock, load: Load, query: Query
) -> None:
    for call_id, (transcript, detection, is_connected, _) in OUTCOMES.items():
        bodies = [body("event_transcript", {"transcript": transcript}, call_id=call_id)]
        if detection:
            bodies.append(body("event_human_detection", {"result": detection}, call_id=call_id))
        if is_connected:
            bodies.append(body("event_phone_call_connected", {}, call_id=call_id))
        append_all(buffer, bodies, clock)
    load()

    shown = query("select call_id, outcome, is_outcome_inferred from analytics.call_summary")
    assert {call_id: tuple(outcome) for call_id, *outcome in shown} == {
        call_id: outcome for call_id, (*_, outcome) in OUTCOMES.items()
    }


def test_a_call_lasts_as_long_as_is_stated_or_else_as_the_receipts_say(
    buffer: SqliteBuffer, load: Load, query: Query
) -> None:
    for minutes in (1.25, 0, None):
        for second, type_, payload in (
            (0, "event_phone_call_connected", {}),
            (60, "event_phone_call_ended", {"conversation_minutes": minutes}),
        ):
            content = body(type_, payload, call_id=f"{minutes}")
            buffer.append(delivery(content, received_at=START + second * 1_000_000))
    load()

    assert query(
        "select call_id, stated_minutes, duration_seconds, duration_source"
        " from analytics.call_summary order by call_id"
    ) == [
        ("0", 0.0, 60.0, "receipt"),
        ("1.25", 1.25, 75.0, "stated"),
        ("None", None, 60.0, "receipt"),
    ]


@pytest.mark.usefixtures("three_calls")
def test_delivery_health_counts_what_came_and_how_late_it_was(query: Query) -> None:
    (row,) = query(
        "select received_hour, webhook, received_count, duplicate_count, quarantined_count,"
        " event_count, median_delay_seconds > 0, max_delay_seconds >= median_delay_seconds"
        " from analytics.delivery_health"
    )
    assert row == (at(0), "main", 9, 1, 1, 7, True, True)


def test_all_checks_hold_on_simulated_calls(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings
) -> None:
    append_all(buffer, (one.body for one in islice(simulate(), 3_000)), clock)
    load()
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        results = built_in.run_checks(connection)
    assert len(results) == len(built_in.checks())
    assert [result for result in results if result.offending_rows] == []


def test_a_model_that_duckdb_refuses_names_its_file_and_leaves_the_former_ones(
    three_calls: None, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "call_summary.sql").write_text("select 1 as changed")
    (folder / "wrong.sql").write_text("select no_such_column from fluents.calls")
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        with pytest.raises(ModelError, match=r"wrong\.sql.*no_such_column"):
            built_in.build(connection, built_in.models(folder=folder))
        assert connection.execute("select count(*) from analytics.call_summary").fetchall() == [
            (3,)
        ]


@pytest.mark.usefixtures("three_calls")
def test_models_carry_their_description(query: Query) -> None:
    comments = dict(
        query(
            "select view_name, comment from duckdb_views() where schema_name = 'analytics'"
            " union all select table_name, comment from duckdb_tables()"
            " where schema_name = 'analytics'"
            " and table_name not in ('stale_calls', 'calls_not_computed')"
        )
    )
    assert comments == {model.name: model.description for model in built_in.models()}


def test_another_choice_of_columns_changes_post_call_wide_with_the_next_load(
    three_calls: None, settings: Settings, query: Query
) -> None:
    columns = {"score": "number", "notes.city": "text", "it's": "boolean", 'a "b"': "text"}
    with Loader(settings.model_copy(update={"post_call_columns": columns})) as loader:
        assert loader.load().published

    assert query('select score, notes_city, "it\'s", "a ""b""" from analytics.post_call_wide') == [
        (7.0, "Bonn", None, None)
    ]


def test_call_summary_shows_the_latest_result_and_all_that_was_said(
    buffer: SqliteBuffer, clock: Clock, load: Load, query: Query
) -> None:
    done = "event_post_call_processing_completed"
    append_all(
        buffer,
        [
            body(done, {"post_call_results": {"a": 1}}),
            body(done, {"post_call_results": "just prose"}),
            body(done, {"post_call_results": "  "}),
            body("event_transcript", {"transcript": "BOT: Hi.\nHUMAN: Hi.\nBOT: Bye."}),
            body("event_transcript", {"transcript": "nobody is named here"}),
            body("event_transcript", {"transcript": "  "}),
        ],
        clock,
    )
    load()
    assert query(
        "select latest_result_text, latest_result_json, latest_transcript, turn_count,"
        " human_turn_count from analytics.call_summary"
    ) == [("just prose", None, "BOT: Hi.\nHUMAN: Hi.\nBOT: Bye.\nnobody is named here", 4, 1)]
    assert query(
        "select result_text, is_latest from analytics.post_call_wide order by event_id"
    ) == [('{"a":1}', False), ("just prose", True), ("  ", False)]


def test_an_hour_of_delivery_health_is_one_of_utc_in_any_time_zone(
    three_calls: None, settings: Settings
) -> None:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        connection.execute("set timezone = 'Asia/Kolkata'")
        assert connection.execute(
            "select received_hour = timestamptz '2026-01-01 00:00:00+00'"
            " from analytics.delivery_health"
        ).fetchall() == [(True,)]
