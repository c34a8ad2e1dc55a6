"""The list of calls, and one call."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_dashboard.pages.calls import SORTS, summary
from tests.dashboard.visitors import Visitor
from tests.deliveries import START, body, delivery
from tests.warehouses import HOSTILE, HOSTILE_CALL, load, settings_in


def rows(visitor: Visitor, query: str) -> list[dict[str, str]]:
    """The rows of the list's CSV file."""
    return list(csv.DictReader(io.StringIO(visitor.get(f"/calls.csv?span=all{query}").text)))


def shown(visitor: Visitor, query: str = "") -> list[str]:
    """The ids of the calls that a page of the list links to, in its order."""
    html = visitor.page(f"/calls?span=all{query}")
    return [
        part.split('"')[0] for part in html.split('class="row" href="/call?span=all&amp;id=')[1:]
    ]


def ask(warehouse: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_the_pages_of_the_list_hold_each_call_once_and_the_file_all_in_their_order(
    visitor: Visitor,
) -> None:
    listed = [row["call_id"] for row in rows(visitor, "&sort=duration")]
    paged: list[str] = []
    while page := shown(visitor, f"&sort=duration&page={len(paged) // 50 + 1}"):
        if page[0] in paged:  # beyond the last page is the last page
            break
        paged += page
    assert paged == listed
    assert len(set(listed)) == len(listed) > 100


@pytest.mark.parametrize("sort", SORTS)
def test_the_list_is_sorted_by_value_over_all_rows(sort: str, visitor: Visitor) -> None:
    columns = {
        "began": "began_at", "contact": "contact_number", "outcome": "outcome",
        "duration": "duration_seconds", "turns": "human_turn_count", "agent": "agent",
        "direction": "direction", "result": "result", "cost": "cost", "errors": "error_count",
    }  # fmt: skip
    is_number = sort in ("duration", "turns", "cost", "errors")
    for order in ("asc", "desc"):
        values = [row[columns[sort]] for row in rows(visitor, f"&sort={sort}&order={order}")]
        known = [value.removeprefix("'") for value in values if value]
        assert values[: len(known)] == [value for value in values if value], "unknown comes last"
        ordered: list[Any] = [float(value) for value in known] if is_number else known
        assert ordered == sorted(ordered, reverse=order == "desc")


def test_each_filter_of_the_list_leaves_what_it_says(visitor: Visitor) -> None:
    every = rows(visitor, "")
    some = rows(visitor, "&min=30&max=60")
    assert 0 < len(some) < len(every)
    assert all(30 <= float(row["duration_seconds"]) < 60 for row in some)
    assert {row["outcome"] for row in rows(visitor, "&outcome=no_human")} == {"no_human"}
    assert all(int(row["error_count"]) for row in rows(visitor, "&with=error"))
    value = json.loads(next(row["result_json"] for row in every if "outcome" in row["result_json"]))
    if isinstance(value, dict):
        found = rows(visitor, f"&field=$.outcome&value={quote(value['outcome'])}")
        assert found
        assert all(f'"{value["outcome"]}"' in row["result_json"] for row in found)
    number = next(row["contact_number"] for row in every if row["contact_number"])
    assert number in {row["contact_number"] for row in rows(visitor, f"&q={quote(number[-6:])}")}
    (one,) = rows(visitor, f"&q={every[3]['call_id']}")
    assert one == every[3]


def test_a_row_is_a_link_that_keeps_the_filters(visitor: Visitor) -> None:
    (first, *_) = shown(visitor)
    html = visitor.page(f"/call?span=all&id={first}")
    assert '<a href="/calls?span=all">All calls</a>' in html


def test_one_call_is_told_as_a_page_as_json_and_as_text(visitor: Visitor, week: Path) -> None:
    ((call_id, text),) = ask(
        week,
        "select call_id, arg_min(text, line_index) from analytics.conversation_turns "
        "where speaker = 'human' group by call_id order by count(*) desc, call_id limit 1",
    )
    said = visitor.words(f"/call?id={call_id}")
    assert " ".join(text.split()) in said
    assert "Timeline" in said
    told = json.loads(visitor.get(f"/call.json?id={call_id}").text)
    assert told["call"]["call_id"] == call_id
    assert text in [turn["text"] for turn in told["turns"]]
    assert f"Human: {text}" in visitor.get(f"/call.txt?id={call_id}").text


def test_what_is_empty_of_a_call_is_not_shown(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    buffer = SqliteBuffer(settings.buffer_file)
    buffer.append(delivery(body("event_phone_call_did_not_connect", {"telephony_status": "busy"})))
    buffer.close()
    with Visitor(load(settings)) as visitor:
        html = visitor.page("/call?id=call-1").partition("<main")[2]
    for absent in ("Conversation", "Post-call", "Recording", "Actions", "Errors", "None", "Cost"):
        assert absent not in html, absent
    assert "Busy" in html


def test_chunks_are_a_conversation_and_the_rest_is_in_the_timeline(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    buffer = SqliteBuffer(settings.buffer_file)
    chunks = ("BOT: We are open.", "HUMAN: mhm", "BOT: Until six.", "HUMAN: Fine.")
    for second, text in enumerate(chunks):
        content = body("event_transcript", {"transcript": text})
        buffer.append(delivery(content, received_at=START + second * 1_000_000))
    failed = {
        "action_input": {"action_config": {"type": "action_external", "name": "look_up"}},
        "action_output": {"response": {"success": False, "result": {"error": "no such order"}}},
    }
    buffer.append(delivery(body("event_action", failed), received_at=START + 5_000_000))
    buffer.close()
    with Visitor(load(settings)) as visitor:
        said = visitor.words("/call?id=call-1")
    conversation, _, timeline = said.partition("Timeline")
    assert "Agent We are open. Until six. Human Fine." in conversation
    assert "Look up finished failed" in timeline


def test_a_recording_is_played_from_a_web_address_alone(tmp_path: Path) -> None:
    urls = {
        "https://audio.example/a.mp3": True,
        "http://audio.example/a.mp3": True,
        "javascript:alert(1)": False,
        "file:///etc/passwd": False,
        "https://[": False,
    }
    settings = settings_in(tmp_path)
    buffer = SqliteBuffer(settings.buffer_file)
    transcript = {"transcript": "[00:01.00] BOT: Hello.\n[00:04.50] HUMAN: Hello."}
    for second, url in enumerate(urls):
        at = START + second * 1_000_000
        recording = body("event_recording", {"recording_url": url}, call_id=url)
        buffer.append(delivery(recording, received_at=at))
        said = body("event_transcript", transcript, call_id=url)
        buffer.append(delivery(said, received_at=at + 500_000))
    buffer.close()
    with Visitor(load(settings)) as visitor:
        for url, is_followed in urls.items():
            html = visitor.page(f"/call?id={quote(url)}")
            assert (f'src="{url}"' in html) == is_followed, url
            assert (f'href="{url}"' in html) == is_followed, url
            assert ('data-at="4.5"' in html) == is_followed, url


def test_text_of_a_webhook_is_escaped_everywhere(hostile: Path) -> None:
    with Visitor(hostile) as visitor:
        for path in (
            "/?span=all",
            "/calls?span=all",
            f"/calls?span=all&q={quote(HOSTILE)}&field={quote(HOSTILE)}&value={quote(HOSTILE)}",
            f"/call?id={quote(HOSTILE_CALL)}",
            f"/call?id={quote(HOSTILE)}",
            f"/results?span=all&field={quote(HOSTILE)}",
            "/quality?span=all",
            "/search?span=all&q=evil",
            f"/search?span=all&q={quote(HOSTILE)}",
        ):
            html = visitor.client.get(path).text
            assert "<img" not in html, path
            assert "<b>main" not in html, path
            assert html.count("<script") == 1, path


def test_a_cell_of_a_file_is_no_formula(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    buffer = SqliteBuffer(settings.buffer_file)
    numbers = {"from_number": "+4930123", "to_number": "=cmd()", "is_outgoing": True}
    buffer.append(delivery(body("event_message", {"text": "x"}, call_id="@SUM(A1)", **numbers)))
    buffer.close()
    with Visitor(load(settings)) as visitor:
        (row,) = rows(visitor, "")
    assert (row["call_id"], row["contact_number"]) == ("'@SUM(A1)", "'=cmd()")


def test_a_result_is_told_on_one_line() -> None:
    fields = '{"outcome": "no_slot_found", "ok": false, "score": 3, "none": null, "in": {"a": 1}}'
    assert summary("text", fields) == "Outcome: No slot found · Ok: No · Score: 3"
    assert summary("What was said.", None) == "What was said."
    assert summary(None, None) == ""
    assert summary("x" * 500, None) == "x" * 160 + "…"
