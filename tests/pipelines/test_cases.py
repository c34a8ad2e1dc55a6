"""Every body in `tests/data/cases` gives exactly the rows beside it; its README explains.

All cases go through one buffer in one batch, so that a case that spoils another one shows.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from pprint import pformat
from typing import Any

import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings.payload_fields import PAYLOAD_FIELDS
from fluents_pipelines.normalize import Normalizer
from fluents_pipelines.tables import NORMALIZED, Table
from tests.deliveries import Clock, append_all, body, whole

CASES = Path(__file__).parents[1] / "data" / "cases"
BODY, ROWS = ".body.json", ".rows.json"
TYPES = (
    "message",
    "action",
    "transcript",
    "error",
    "recording",
    "human_detection",
    "phone_call_did_not_connect",
    "phone_call_connected",
    "phone_call_ended",
    "post_call_processing_completed",
)

PLACES = ("turn_index", "error_index", "conference_index")

Row = dict[str, Any]
Rows = dict[str, list[Row]]
"""The rows of one delivery, by table."""


def cases(suffix: str) -> list[str]:
    """The names, such as `transcript/plain`, of the cases that have such a file."""
    files = CASES.glob(f"*/*{suffix}")
    return sorted(file.relative_to(CASES).as_posix().removesuffix(suffix) for file in files)


def exactly(text: str) -> Any:
    """The JSON value that `text` is, with every digit and every repeated name."""

    def keep_repeated(pairs: list[tuple[str, Any]]) -> Any:
        return dict(pairs) if len(dict(pairs)) == len(pairs) else pairs

    return json.loads(text, parse_int=Decimal, parse_float=Decimal, object_pairs_hook=keep_repeated)


def as_written(table: Table, row: Row, same: Row, words: dict[Any, str]) -> Row:
    """A row as the files write it: without what is null and what is as in `same`."""
    written = {}
    for column in table.columns:
        value = row[column.name]
        if value in words:
            value = words[value]
        elif isinstance(value, datetime):
            value = value.isoformat()
        elif value is not None:
            value = exactly(value if column.data_type == "json" else json.dumps(value))
        if value != same.get(column.name):
            written[column.name] = value
    return written


def place_in_event(row: Row) -> int:
    """Where a row stands among those of its delivery."""
    return next((int(row[name]) for name in row if name in PLACES), 0)


def normalize(path: Path, bodies: list[bytes]) -> list[Rows]:
    """The rows that each of the bodies gives, all of them in one batch, as the files write it."""
    buffer = SqliteBuffer(path)
    append_all(buffer, bodies, Clock())
    batch = whole(buffer)
    buffer.close()
    with Normalizer(PAYLOAD_FIELDS) as normalizer:
        tables = normalizer.tables(batch)
    found: list[Rows] = [{} for _ in bodies]
    by_id = {}
    for delivery in batch.rows:
        received_at = datetime.fromtimestamp(delivery.received_at / 1e6, UTC)
        same = dict.fromkeys(("event_id", "delivery_id", "webhook_event_id"), "event")
        same |= dict.fromkeys(("received_at", "first_event_at", "last_event_at"), "received")
        same |= {"webhook": "main", "buffer_id": batch.buffer_id, "position": delivery.position}
        same |= {"redacted_count": 0}
        words = {delivery.event_id: "event", received_at: "received"}
        by_id[delivery.event_id] = (found[delivery.position - 1], same, words)
    for table in NORMALIZED:  # events come first
        id_column = "webhook_event_id" if table.name == "calls" else table.columns[0].name
        for row in sorted(tables[table.name].to_pylist(), key=place_in_event):
            rows, same, words = by_id[row[id_column]]
            written = as_written(table, row, same, words)
            if row.get("error_index", 1) > 1:
                assert written.pop("payload", None) is None  # only the first row has it
            rows.setdefault(table.name, []).append(written)
            if table.name == "events":
                same |= {"call_id": row["call_id"], "payload": written.get("payload")}
    return found


BODIES = [(CASES / f"{case}{BODY}").read_bytes() for case in cases(BODY)]


@pytest.fixture(scope="module")
def normalized(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    path = tmp_path_factory.mktemp("cases") / "buffer.sqlite"
    return dict(zip(cases(BODY), normalize(path, BODIES), strict=True))


def test_the_rows_of_many_deliveries_are_those_of_few(
    normalized: dict[str, Rows], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fluents_pipelines.normalize.FEW_BYTES", 0)
    many = normalize(tmp_path / "buffer.sqlite", BODIES)
    assert pformat(many) == pformat(list(normalized.values()))


@pytest.mark.parametrize("case", cases(ROWS))
def test_the_body_gives_the_rows_beside_it(normalized: dict[str, Rows], case: str) -> None:
    expected = exactly((CASES / f"{case}{ROWS}").read_text(encoding="utf-8"))

    # as text, because Python takes true, 1 and 1.0 for equal
    assert pformat(normalized[case]) == pformat(expected)


def test_every_body_has_rows_and_all_rows_have_a_body() -> None:
    assert cases(BODY) == cases(ROWS)


def test_every_type_has_at_least_six_cases_and_nothing_else_has_a_folder() -> None:
    count = Counter(case.split("/")[0] for case in cases(BODY))

    assert set(count) == {*TYPES, "envelope", "quarantine"}
    assert [folder for folder, number in count.items() if number < 6] == []


def clock_time(second: int) -> str:
    return f"{second // 60 % 60:02}:{second % 60:02}.00"


def test_a_megabyte_of_20_000_lines_is_20_000_turns_in_order(tmp_path: Path) -> None:
    lines = [
        f"[{clock_time(line)}] {'HUMAN' if line % 2 else 'BOT'}: line {line:05} of this long talk"
        for line in range(20_000)
    ]
    content = body("event_transcript", {"transcript": "\n".join(lines)})

    (rows,) = normalize(tmp_path / "buffer.sqlite", [content])

    turns = rows["transcript_turns"]
    assert [turn["turn_index"] for turn in turns] == list(range(1, 20_001))
    assert [turn["offset_seconds"] for turn in turns] == list(range(20_000))
    assert [turn["text"][5:10] for turn in turns] == [f"{line:05}" for line in range(20_000)]
    assert Counter(turn["speaker"] for turn in turns) == {"bot": 10_000, "human": 10_000}


def test_a_megabyte_in_one_line_is_one_turn(tmp_path: Path) -> None:
    said = "word " * 209_715 + "end"

    (rows,) = normalize(
        tmp_path / "buffer.sqlite", [body("event_transcript", {"transcript": f"BOT: {said}"})]
    )

    assert rows["transcripts"] == [{"transcript": f"BOT: {said}"}]
    turn = {"turn_index": 1, "speaker": "bot", "text": said, "is_cut_off": False}
    turn["utterance_count"] = 1
    assert rows["transcript_turns"] == [turn]


def test_100_000_fields_are_kept_wherever_they_are(tmp_path: Path) -> None:
    fields = {f"field_{number}": number for number in range(100_000)}
    type_ = "event_post_call_processing_completed"

    envelope, payload = normalize(
        tmp_path / "buffer.sqlite",
        [body("event_error", None, **fields), body(type_, fields, call_id="call-2")],
    )

    assert envelope["events"] == [{"call_id": "call-1", "type": "event_error", "extra": fields}]
    assert envelope["errors"] == [{"error_index": 1}]
    assert payload["events"] == [{"call_id": "call-2", "type": type_, "payload": fields}]
    (result,) = payload["post_call_results"]
    assert json.loads(result["result_text"]) == result["result_json"] == fields


@pytest.mark.parametrize(("depth", "is_read"), [(128, True), (129, False), (100_000, False)])
def test_json_within_a_text_is_read_unless_it_is_nested_deeper_than_a_body_may_be(
    tmp_path: Path, depth: int, is_read: bool
) -> None:
    text = "[" * depth + "]" * depth
    content = body("event_post_call_processing_completed", {"post_call_results": text})

    (rows,) = normalize(tmp_path / "buffer.sqlite", [content])

    (result,) = rows["post_call_results"]
    assert result["result_text"] == text
    assert ("result_json" in result) == is_read
