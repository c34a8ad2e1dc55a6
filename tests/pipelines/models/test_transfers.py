"""Reports of an action, and what transcripts say of a conference, make the transfers of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import Settings
from fluents_pipelines.load import Loader, LoadResult
from tests.deliveries import Clock, append_all, body
from tests.pipelines.conftest import Query

Load = Callable[[], LoadResult]

REPORTED = "target, is_reported_success, transcript_result, is_successful, success_source"


def report(*, success: bool | None = None, **fields: Any) -> dict[str, Any]:
    """The start of a transfer as the sender's library reports it, or with `success` its finish."""
    config = {"type": "action_transfer_call", **fields}
    response = {"action_type": "action_transfer_call", "response": {"success": success}}
    return {
        "action_input": {"action_config": config},
        "action_output": None if success is None else response,
    }


def named(action_id: str, phase: str, number: str | None, result: Any = None) -> dict[str, Any]:
    """A report as the call object of the sender's API has it, with the action's id."""
    return {
        "event_type": phase,
        "action_id": action_id,
        "action_type": "action_transfer_call",
        "parameters": {"phone_number": number} if number else {},
        "result": result,
    }


def joined(number: str) -> str:
    return f"CONFERENCE_EVENT: Transfer number ({number}) joined the conference"


def did_not_join(number: str) -> str:
    return (
        f"CONFERENCE_EVENT: Transfer number ({number}) did not join the conference because they"
        " are busy"
    )


CALLS: dict[str, tuple[list[Any], list[tuple[Any, ...]]]] = {
    "a start and a finish are one transfer": (
        [report(phone_number="+1555"), report(phone_number="+1555", success=True)],
        [("+1555", True, None, True, "action")],
    ),
    "a start without a finish is unknown": (
        [report(phone_number="+1555")],
        [("+1555", None, None, None, None)],
    ),
    "a finish whose start was lost is one too": (
        [report(phone_number="+1555", success=False)],
        [("+1555", False, None, False, "action")],
    ),
    "two to one number are two": (
        [
            report(phone_number="+1555"),
            report(phone_number="+1555", success=False),
            report(phone_number="+1555"),
            report(phone_number="+1555", success=True),
        ],
        [("+1555", False, None, False, "action"), ("+1555", True, None, True, "action")],
    ),
    "what transcripts say is of the last to a number": (
        [
            report(phone_number="+1555"),
            report(phone_number="+1555", success=False),
            report(phone_number="+1555"),
            f"HUMAN: Please\nBOT: Yes\n{did_not_join('+1555')}\n{joined('+1555')}",
        ],
        [("+1555", False, None, False, "action"), ("+1555", None, "joined", True, "transcript")],
    ),
    "a finish that names nobody is of the number before it": (
        [
            report(phone_number="+1555"),
            report(success=False),
            report(phone_number="+1666"),
            report(success=True),
        ],
        [("+1555", False, None, False, "action"), ("+1666", True, None, True, "action")],
    ),
    "an id tells which finish is of which start": (
        [
            named("b", "action_finish", None, {"http_status_code": 504}),
            named("a", "action_start", "+1555"),
            named("b", "action_start", "+1666"),
            named("a", "action_finish", "+1555", {"http_status_code": 200}),
        ],
        [("+1666", False, None, False, "action"), ("+1555", True, None, True, "action")],
    ),
    "an id that two transfers share does not make them one": (
        [
            named("a", "action_start", "+1555"),
            named("a", "action_finish", "+1555", {"http_status_code": 504}),
            named("a", "action_start", "+1666"),
        ],
        [("+1555", False, None, False, "action"), ("+1666", None, None, None, None)],
    ),
    "the transcript counts more than the report": (
        [
            report(phone_number="+1555"),
            report(phone_number="+1555", success=True),
            f"HUMAN: Please\nBOT: Yes\n{did_not_join('+1555')}",
        ],
        [("+1555", True, "did_not_join", False, "transcript")],
    ),
    "a number is the same however it is written": (
        [
            report(phone_number="089 / 1234-5678"),
            f"HUMAN: Please\nBOT: Yes\n{joined('+498912345678')}",
        ],
        [("089 / 1234-5678", None, "joined", True, "transcript")],
    ),
    "a transfer that names nobody is that of the number in the transcript": (
        [report(success=True), f"HUMAN: Please\nBOT: Yes\n{joined('+1555')}"],
        [("+1555", True, "joined", True, "transcript")],
    ),
    "a number that only the transcript tells of is one, however often it is delivered": (
        [
            report(phone_number="+1555"),
            f"HUMAN: Please\n{joined('+1666')}",
            f"HUMAN: Please\n{joined('+1666')}\nBOT: Yes",
        ],
        [("+1555", None, None, None, None), ("+1666", None, "joined", True, "transcript")],
    ),
    "another action is no transfer": (
        [{"action_type": "action_external", "action_output": {"response": {"success": True}}}],
        [],
    ),
}
"""By what a call shows: its reports and transcripts in the order of receipt, and its transfers."""


def test_reports_and_transcripts_make_the_transfers_of_a_call(
    buffer: SqliteBuffer, clock: Clock, load: Load, query: Query
) -> None:
    for call_id, (told, _) in CALLS.items():
        bodies = [
            body("event_transcript", {"transcript": one}, call_id=call_id)
            if isinstance(one, str)
            else body("event_action", one, call_id=call_id)
            for one in told
        ]
        append_all(buffer, bodies, clock)
    load()

    found = query(
        f"select call_id, {REPORTED} from analytics.transfers order by call_id, transfer_index"
    )
    by_call = {call_id: [row[1:] for row in found if row[0] == call_id] for call_id in CALLS}
    assert by_call == {call_id: rows for call_id, (_, rows) in CALLS.items()}


def test_a_name_of_the_settings_for_the_target_counts_with_the_next_load(
    buffer: SqliteBuffer, clock: Clock, load: Load, query: Query, settings: Settings
) -> None:
    append_all(buffer, [body("event_action", report(queue={"name": "Sales"}))], clock)
    load()
    assert query("select target from analytics.transfers") == [(None,)]

    fields = {"transfer_target": ["action_config.queue.name"]}
    with Loader(settings.model_copy(update={"fields": fields})) as loader:
        loader.load()

    assert query("select target from analytics.transfers") == [("Sales",)]


def test_what_came_after_a_transfer_is_beside_it(
    buffer: SqliteBuffer, clock: Clock, load: Load, query: Query
) -> None:
    append_all(
        buffer,
        [
            body("event_action", report(phone_number="+1555")),
            body("event_action", report(phone_number="+1555", success=True)),
            body("event_phone_call_ended", {}),
            body("event_post_call_processing_completed", {"summary": "Went through."}),
            body("event_phone_call_ended", {}, call_id="ended before"),
            body("event_action", report(phone_number="+1555"), call_id="ended before"),
        ],
        clock,
    )
    load()

    assert query(
        "select call_id, seconds_to_end, latest_result_text from analytics.transfers order by 1"
    ) == [("call-1", 2.0, "Went through."), ("ended before", None, None)]
    assert query(
        "select transfer_count, call_count, known_count, succeeded_rate, timed_count,"
        " mean_seconds_to_end from analytics.transfers_daily"
    ) == [(2, 2, 1, 1.0, 1, 2.0)]
