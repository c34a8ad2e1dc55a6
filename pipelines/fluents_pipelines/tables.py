"""The warehouse's tables: grain, key, and for every column its type and what it means.

This is what dlt creates, what `sql/tables/<name>.sql` must produce, and what the
documentation shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

SCHEMA = "fluents"
SCHEMA_VERSION = 2
"""Of the tables below: one more in a release that changes them; see
`fluents_pipelines.warehouse.duckdb_file.migrations`."""

DataType = Literal["text", "timestamp", "bigint", "bool", "double", "json"]

_ARROW_TYPES: dict[DataType, pa.DataType] = {
    "text": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "bigint": pa.int64(),
    "bool": pa.bool_(),
    "double": pa.float64(),
    "json": pa.string(),  # as text: dlt's Arrow path loads it into a JSON column
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `data_type` is dlt's name of the type."""

    name: str
    data_type: DataType
    description: str
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """One table. Rows of a `folded` table replace those with their key; others are only added."""

    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    folded: bool = False
    event_types: tuple[str, ...] = ()
    """Only events of these types have rows here; of any type where none is named."""

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema that `sql/tables/<name>.sql` is cast to."""
        return pa.schema(
            [
                pa.field(column.name, _ARROW_TYPES[column.data_type], column.nullable)
                for column in self.columns
            ]
        )

    @property
    def nullable_arrow_schema(self) -> pa.Schema:
        """That of rows which may lack any value: a column that was made again has none yet."""
        return pa.schema([field.with_nullable(True) for field in self.arrow_schema])

    @property
    def dlt_columns(self) -> dict[str, Any]:
        """The column hints that dlt creates the table from: `LOAD_ID` is the last."""
        return {
            column.name: {
                "name": column.name,
                "data_type": column.data_type,
                "nullable": column.nullable,
                "description": column.description,
            }
            for column in (*self.columns, LOAD_ID)
        }


LOAD_ID = Column(
    "_dlt_load_id", "text", "The load that brought the row: load_id of _dlt_loads.", False
)
"""The column of each table that dlt would add."""
_EVENT_ID = Column("event_id", "text", "UUIDv7 given at receipt; sorts by time.", False)
_CALL_ID = Column("call_id", "text", "The call, as Fluents names it.", False)
_RECEIVED_AT = Column("received_at", "timestamp", "When the receiver got it.", False)
_EVENT = (_EVENT_ID, _CALL_ID, _RECEIVED_AT)
_PAYLOAD = Column(
    "payload", "json", "The whole payload, as delivered but for values that redact_fields replaced."
)
_REDACTED = Column("redacted_count", "bigint", "Values replaced by redact_fields before storing.")
_BUFFER_ID = Column("buffer_id", "text", "The staging buffer it came through.", False)
_POSITION = Column("position", "bigint", "Its place in that buffer.", False)


def _taken_from(column: str) -> Column:
    return Column(f"{column}_event_id", "text", f"The event that {column} was taken from.")


TRANSCRIPT_TYPES = ("event_transcript", "event_transcript_complete")
"""The second is none of the ten that Fluents names: its ancestor sends it."""

EVENTS = Table(
    "events",
    "One row for each delivery accepted, duplicates included.",
    ("event_id",),
    (
        *_EVENT,
        Column("webhook", "text", "Label of the webhook that it was sent to.", False),
        Column("type", "text", "Event type, such as event_transcript.", False),
        Column("from_number", "text", "The caller's number."),
        Column("to_number", "text", "The number that was called."),
        Column("is_outgoing", "bool", "True for outbound calls, false for inbound calls."),
        _PAYLOAD,
        Column("extra", "json", "Top-level fields that no other column holds."),
        Column("duplicate_of", "text", "The event_id of the first delivery of the same body."),
        _REDACTED,
        _BUFFER_ID,
        _POSITION,
    ),
)

CALLS = Table(
    "calls",
    "One row for each call, folded from all its events. Each *_at is the receipt of the first "
    "such event, but for last_event_at.",
    ("call_id",),
    (
        _CALL_ID,
        Column("direction", "text", "One of outbound or inbound, from is_outgoing."),
        Column("from_number", "text", "The caller's number: the first one known."),
        Column("to_number", "text", "The number that was called: the first one known."),
        Column("is_outgoing", "bool", "The first value known."),
        Column("webhook", "text", "Label of the webhook that got the first event."),
        Column("first_event_at", "timestamp", "Receipt of the first event of any type.", False),
        Column("last_event_at", "timestamp", "Receipt of the last event of any type.", False),
        Column("connected_at", "timestamp", "Receipt of the report that the call connected."),
        Column("did_not_connect_at", "timestamp", "Receipt of the report that it did not."),
        Column(
            "did_not_connect_reason",
            "text",
            "The first reason known, in one spelling: no_answer, busy, failed, canceled, rejected, "
            "or another word in lower case with _ for spaces and -.",
        ),
        Column("did_not_connect_reason_raw", "text", "The same reason as it was stated."),
        Column("human_detection_result", "text", "human or no_human: the last one known."),
        Column("ended_at", "timestamp", "Receipt of the report that the call ended."),
        Column(
            "stated_minutes",
            "double",
            "Minutes of the conversation, as the report that the call ended states them: the last "
            "ones known. The sender often states 0.",
        ),
        Column("transcript_at", "timestamp", "Receipt of the first transcript."),
        Column("recording_at", "timestamp", "Receipt of the first recording report."),
        Column("recording_url", "text", "The last recording URL known."),
        Column("post_call_completed_at", "timestamp", "Receipt of the first post-call result."),
        Column("first_error_at", "timestamp", "Receipt of the first error."),
        Column(
            "status",
            "text",
            "One of ended, did_not_connect, in_progress, error or unknown, as the events say.",
            False,
        ),
        *map(
            _taken_from,
            (
                "from_number",
                "to_number",
                "is_outgoing",
                "webhook",
                "did_not_connect_reason",
                "human_detection_result",
                "stated_minutes",
                "recording_url",
            ),
        ),
    ),
    folded=True,
)

TRANSCRIPTS = Table(
    "transcripts",
    "One row for each transcript, or chunk of one, delivered.",
    ("event_id",),
    (
        *_EVENT,
        Column("transcript", "text", "The text; JSON text where it came as a list of turns."),
        _PAYLOAD,
    ),
    event_types=TRANSCRIPT_TYPES,
)

TRANSCRIPT_TURNS = Table(
    "transcript_turns",
    "One row for each part of a delivered transcript: what one speaker said in a row, or a line "
    "about an action or a conference. Turns of a call are in analytics.conversation_turns.",
    ("event_id", "turn_index"),
    (
        *_EVENT,
        Column("turn_index", "bigint", "Place of the row in its transcript, from 1.", False),
        Column("speaker", "text", "One of bot, human, action, conference or unknown.", False),
        Column("text", "text", "What was said, without speaker and time.", False),
        Column("utterance_count", "bigint", "How many utterances it joins."),
        Column("offset_seconds", "double", "Start of it after the start of the call."),
        Column("said_at", "timestamp", "Start of it as a point in time, where one is stated."),
        Column("is_cut_off", "bool", "Whether the bot was interrupted: its text ends in '-'."),
    ),
    event_types=TRANSCRIPT_TYPES,
)

CONFERENCE_EVENTS = Table(
    "conference_events",
    "One row for each line of a delivered transcript that says who joined or left the conference "
    "of a call, as a transfer makes one. A transcript that is delivered again has them again.",
    ("event_id", "conference_index"),
    (
        *_EVENT,
        Column("conference_index", "bigint", "Place among those of its transcript, from 1.", False),
        Column("role", "text", "primary or transfer: whose number it is; NULL where none says."),
        Column(
            "kind",
            "text",
            "joined, left, unanswered or voicemail; did_not_join where a text does not say which "
            "of the last two; NULL where none says.",
        ),
        Column("number", "text", "The participant's number; NULL where none is stated."),
        Column("occurred_at", "timestamp", "When, where a point in time is stated."),
        Column("offset_seconds", "double", "Seconds after the start of the call."),
    ),
    event_types=TRANSCRIPT_TYPES,
)

POST_CALL_RESULTS = Table(
    "post_call_results",
    "One row for each post-call result delivered.",
    ("event_id",),
    (
        *_EVENT,
        Column("result_text", "text", "The result, exactly as its text says."),
        Column("result_json", "json", "The object or list in it, also out of a code fence."),
        Column("source_field", "text", "The payload field it was found in; payload for all."),
        _PAYLOAD,
    ),
    event_types=("event_post_call_processing_completed",),
)

ERRORS = Table(
    "errors",
    "One row for each error reported: an event that lists several has several rows.",
    ("event_id", "error_index"),
    (
        *_EVENT,
        Column("error_index", "bigint", "Place of the error in its event, from 1.", False),
        Column("message", "text", "What the error says."),
        Column("code", "text", "Its code, or else that of the event, where it has one."),
        Column("payload", "json", f"{_PAYLOAD.description} Only in the event's first row."),
    ),
    event_types=("event_error",),
)

MESSAGES = Table(
    "messages",
    "One row for each message of a conversation.",
    ("event_id",),
    (
        *_EVENT,
        Column("sender", "text", "Who said it, such as human or bot."),
        Column("text", "text", "What was said."),
        Column("sent_at", "timestamp", "When, as the payload says."),
        _PAYLOAD,
    ),
    event_types=("event_message",),
)

ACTIONS = Table(
    "actions",
    "One row for each report of an action: its start, its finish, or both in one.",
    ("event_id",),
    (
        *_EVENT,
        Column("action_id", "text", "The action, as Fluents names it."),
        Column("action_type", "text", "What kind of action; its name where no kind is stated."),
        Column("action_name", "text", "What the action is called, such as book_table."),
        Column(
            "phase", "text", "One of start or finish, as stated or as an output or an error shows."
        ),
        Column(
            "is_success",
            "bool",
            "False where an error, an HTTP status of 400 or more, success: false or a status says "
            "that it failed; true where one says that it succeeded; NULL where nothing does.",
        ),
        Column("error", "text", "What went wrong, where that is said."),
        Column("input", "json", "What the action was given."),
        Column("output", "json", "What it gave back."),
        Column("occurred_at", "timestamp", "When, as the payload says."),
        _PAYLOAD,
    ),
    event_types=("event_action",),
)

RECORDINGS = Table(
    "recordings",
    "One row for each recording report.",
    ("event_id",),
    (*_EVENT, Column("recording_url", "text", "Where the audio is."), _PAYLOAD),
    event_types=("event_recording",),
)

HUMAN_DETECTIONS = Table(
    "human_detections",
    "One row for each detection of whether a human answered.",
    ("event_id",),
    (*_EVENT, Column("result", "text", "human or no_human."), _PAYLOAD),
    event_types=("event_human_detection",),
)

QUARANTINE = Table(
    "quarantine",
    "One row for each delivery that could not be an event.",
    ("delivery_id",),
    (
        Column("delivery_id", "text", "UUIDv7 given at receipt; sorts by time.", False),
        _RECEIVED_AT,
        Column("webhook", "text", "Label of the webhook that it was sent to.", False),
        Column("reason", "text", "One word for why, such as not_json.", False),
        Column("detail", "text", "The same as a sentence."),
        Column("body", "text", "The body; NULL where it was too large to keep."),
        Column(
            "body_encoding",
            "text",
            "One of utf-8 or base64: the latter where the body is not UTF-8.",
        ),
        _REDACTED,
        _BUFFER_ID,
        _POSITION,
    ),
)

NORMALIZED = (
    EVENTS,
    CALLS,
    TRANSCRIPTS,
    TRANSCRIPT_TURNS,
    CONFERENCE_EVENTS,
    POST_CALL_RESULTS,
    ERRORS,
    MESSAGES,
    ACTIONS,
    RECORDINGS,
    HUMAN_DETECTIONS,
    QUARANTINE,
)

LOADS = Table(
    "loads",
    "One row for each batch of deliveries loaded. A batch is wholly in the warehouse once "
    "_dlt_loads has its load_id with status 0.",
    ("load_id",),
    (
        Column("load_id", "text", "The dlt package that the batch was loaded in.", False),
        _BUFFER_ID,
        Column("after_position", "bigint", "The batch starts behind this position.", False),
        Column("up_to_position", "bigint", "The batch ends with this position.", False),
        Column("up_to_event_id", "text", "The id of the delivery at that position."),
        Column("deliveries", "bigint", "How many deliveries it holds.", False),
    ),
)

ALL_TABLES = (*NORMALIZED, LOADS)
BY_NAME = {table.name: table for table in NORMALIZED}
