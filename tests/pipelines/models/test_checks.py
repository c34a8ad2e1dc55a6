"""Every check finds what it is for, and holds where nothing is wrong."""

from __future__ import annotations

import duckdb
import pytest

from fluents_pipelines.models import built_in
from tests.pipelines.models.test_model_cases import filled, filled_file

__all__ = ["filled", "filled_file"]

# What breaks each check, done to a table that stands in place of the model.
BROKEN_BY = {
    "actions_daily__counts_every_report": "update {model} set started_count = started_count + 1",
    "answer_rates__counts_every_call": "delete from {model} where hour = 23",
    "attempts_daily__counts_every_attempt": "delete from {model} where attempt_number = 3",
    "call_attempts__end_with_the_answer": "update {model} set is_answered = true",
    "call_durations__counts_every_call": "insert into {model} from {model} limit 1",
    "call_durations__percentiles_rise": "update {model} set p50_duration_seconds = 1e6",
    "call_funnel__never_grows": "update {model} set call_count = 9 where stage = 'human'",
    "call_summary__call_id_is_unique": "insert into {model} from {model} where call_id = 'busy'",
    "call_summary__has_every_call": "delete from {model} where call_id = 'busy'",
    "calls_daily__counts_every_call": "update {model} set call_count = call_count + 1",
    "contact_cohorts__counts_every_contact": "update {model} set called_count = 9",
    "contact_history__attempts_are_calls": "update {model} set attempts_to_first_answer = 5",
    "conversation_statistics__has_every_call_with_turns": "delete from {model}",
    "conversations_daily__counts_every_conversation": "delete from {model} where reply_count = 0",
    "conversations_daily__percentiles_are_those_of_response_times": (
        "update {model} set p50_human_to_bot_seconds = 2.1 where reply_count = 3"
    ),
    "conversation_turns__number_the_turns": "update {model} set speaker = 'bot'",
    "data_quality__affected_were_examined": "update {model} set affected_count = 1000",
    "delivery_health__every_position_is_held": "delete from fluents.events where position = 3",
    "errors_daily__counts_every_error": "update {model} set error_count = error_count + 1",
    "freshness__counts_every_delivery": "delete from {model} where type = 'my_type'",
    "headline_comparison__has_every_length": "delete from {model} where day_count = 28",
    "headline_daily__shares_are_shares": "update {model} set numerator = 99",
    "minutes_daily__sources_add_up": "update {model} set stated_minutes = stated_minutes + 1",
    "next_attempt_rates__counts_every_later_attempt": "delete from {model} where hour = 9",
    "performance__each_dimension_counts_every_call": "delete from {model} where label = 'sales'",
    "post_call_fields__path_is_unique": "insert into {model} from {model} where path = '$.score'",
    "post_call_fields_daily__counts_are_shares": "update {model} set filled_count = 3",
    "post_call_values_daily__add_up_to_the_texts": "update {model} set value_count = 2",
    "post_call_wide__has_every_result": "delete from {model} where call_id = 'talk'",
    "repeat_calls_daily__counts_every_call": "update {model} set repeat_count = 1",
    "response_times_daily__counts_every_reply": "update {model} set reply_count = 2",
    "search_texts__has_every_call_with_text": "delete from {model} where call_id = 'talk'",
    "transfers__agree_with_call_summary": "delete from {model} where target = '+1778'",
    "transfers_daily__counts_every_transfer": "update {model} set failed_count = 2",
}


def broken(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {result.check for result in built_in.run_checks(connection) if result.offending_rows}


@pytest.fixture
def sound(filled: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The rows of `input.json`, and what it leaves out on purpose: a delivery."""
    filled.execute(
        "insert into fluents.quarantine (delivery_id, buffer_id, position)"
        " select 'q2', 'b1', max(position) + 2 from fluents.events"
    )
    return filled


def test_every_check_passes_where_nothing_is_wrong(sound: duckdb.DuckDBPyConnection) -> None:
    assert broken(sound) == set()


def test_every_check_is_shown_to_find_something() -> None:
    assert set(BROKEN_BY) == {check.name for check in built_in.checks()}


@pytest.mark.parametrize("check", sorted(BROKEN_BY))
def test_what_breaks_a_check_is_found(sound: duckdb.DuckDBPyConnection, check: str) -> None:
    name = check.split("__")[0]
    model = f"analytics.{name}"
    sound.execute(f"create temp table rows as from {model}")
    sound.execute(f"drop {built_in.relations(sound)[name]} {model}")
    sound.execute(f"create table {model} as from rows")

    sound.execute(BROKEN_BY[check].format(model=model))

    assert check in broken(sound)
