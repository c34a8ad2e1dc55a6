"""Figures of simulated calls, computed a second time in Python, from rows that no model made.

What a turn is and what became of a call is taken from the models that say so; other tests compare
those.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import islice, pairwise
from typing import Any, NamedTuple
from zlib import crc32
from zoneinfo import ZoneInfo

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.simulator import simulate
from fluents_pipelines.load import Loader
from fluents_pipelines.models import built_in
from tests.deliveries import START, delivery
from tests.docs.pages import fenced, page
from tests.loads import settings_in

Rows = list[tuple[Any, ...]]
Day = tuple[date, str, str, str]

ZONE = "America/New_York"
AGENTS = {"+19000": "Ada", "+19001": "Bo"}  # and none for +19002
CONTACTS = 60
EVENTS = 2_500
SECONDS = 1_009  # between two events: four weeks


class Call(NamedTuple):
    """A call as the days count it; `local` is when its first event came, in the time zone."""

    call_id: str
    at: datetime
    direction: str
    agent: str
    contact: str | None
    outcome: str

    @property
    def local(self) -> datetime:
        return self.at.astimezone(ZoneInfo(ZONE))

    @property
    def day(self) -> Day:
        return (self.local.date(), self.direction, "main", self.agent)


def with_few_numbers(body: bytes) -> bytes:
    """The body with one of three own numbers, and with one of a few contacts."""
    content = json.loads(body)
    if "is_outgoing" in content:
        drawn = crc32(content["call_id"].encode())
        numbers = [f"+1900{drawn % 3}", f"+1555000{drawn // 3 % CONTACTS:03}"]
        if not content["is_outgoing"]:
            numbers.reverse()
        content |= dict(zip(("from_number", "to_number"), numbers, strict=True))
    return json.dumps(content).encode()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("again")
    settings = settings_in(folder).model_copy(update={"time_zone": ZONE, "agents": AGENTS})
    buffer = SqliteBuffer(settings.buffer_file)
    buffer.append_all(
        [
            delivery(
                with_few_numbers(one.body), received_at=START + n * SECONDS * 1_000_000, bits=n
            )
            for n, one in enumerate(islice(simulate(seed=5), EVENTS))
        ]
    )
    buffer.close()
    with Loader(settings) as loader:
        loader.load()
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def calls(warehouse: duckdb.DuckDBPyConnection) -> dict[str, Call]:
    rows = warehouse.execute(
        "select call_id, calls.first_event_at, calls.direction, calls.from_number,"
        " calls.to_number, contact_number, outcome"
        " from fluents.calls join analytics.call_summary using (call_id)"
    ).fetchall()
    found = {}
    for call_id, at, direction, caller, called, contact, outcome in rows:
        own = {"outbound": caller, "inbound": called}.get(direction)
        agent = AGENTS.get(own, "unknown")
        found[call_id] = Call(call_id, at, direction or "unknown", agent, contact, outcome)
    return found


@pytest.mark.attack
def test_every_check_holds(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert [one for one in built_in.run_checks(warehouse) if one.offending_rows] == []


def last_eight(number: str) -> str:
    return "".join(filter(str.isdigit, number))[-8:]


def transfers_of(reports: Rows, conference: Rows) -> list[dict[str, Any]]:
    """The transfers of a call, by its reports and conference events in the order of receipt."""
    transfers: list[dict[str, Any]] = []
    for _, action_id, phase, is_success, input_ in reports:
        given = json.loads(input_)
        number = given.get("phone_number") or given["params"]["phone_number"]
        key = (action_id, number)
        free = [one for one in transfers if one["key"] == key and phase not in one]
        if not free:
            transfers.append({"key": key, "number": number})
            free = transfers[-1:]
        free[0][phase] = is_success
    for _, kind, number in conference:
        same = [one for one in transfers if last_eight(one["number"]) == last_eight(number)]
        if not same:
            transfers.append({"number": number})
            same = transfers[-1:]
        same[-1]["joined"] = same[-1].get("joined", False) or kind in ("joined", "left")
    return transfers


def test_transfers_are_those_of_reports_and_conference_events(
    warehouse: duckdb.DuckDBPyConnection, calls: dict[str, Call]
) -> None:
    reports, conference = defaultdict(list), defaultdict(list)
    for row in warehouse.execute(
        "select call_id, action_id, phase, is_success, input from fluents.actions"
        " where action_type = 'action_transfer_call' order by event_id"
    ).fetchall():
        reports[row[0]].append(row)
    for row in warehouse.execute(
        "select call_id, kind, number from fluents.conference_events where role = 'transfer'"
    ).fetchall():
        conference[row[0]].append(row)
    expected: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    for call_id in {*reports, *conference}:
        for one in transfers_of(reports[call_id], conference[call_id]):
            counted = expected[(*calls[call_id].day, one["number"])]
            counted["transfers"] += 1
            reported, joined = one.get("finish"), one.get("joined")
            counted["reported"] += reported is not None
            counted["reported_success"] += bool(reported)
            counted["told"] += joined is not None
            counted["joined"] += bool(joined)
            success = reported if joined is None else joined
            counted["succeeded"] += success is True
            counted["unknown"] += success is None

    found = warehouse.execute(
        "select first_event_on, direction, webhook, agent, target, transfer_count, reported_count,"
        " reported_success_count, told_count, joined_count, succeeded_count, unknown_count"
        " from analytics.transfers_daily"
    ).fetchall()
    names = (
        "transfers",
        "reported",
        "reported_success",
        "told",
        "joined",
        "succeeded",
        "unknown",
    )
    assert {row[:5]: dict(zip(names, row[5:], strict=True)) for row in found} == {
        key: {name: counted[name] for name in names} for key, counted in expected.items()
    }
    assert sum(counted["joined"] for counted in expected.values()) > 2


def rounded(seconds: float) -> float:
    """To a tenth of a second, and that to a second from 10 on."""
    tenths = (round(seconds * 1000) + 50) // 100 / 10
    return tenths if tenths < 10 else float(math.floor(tenths + 0.5))


def percentile(values: Iterable[float], share: float) -> float | None:
    """The least of the values that so many of them do not exceed."""
    ranked = sorted(values)
    return ranked[math.ceil(round(share * len(ranked), 6)) - 1] if ranked else None


def test_response_times_and_interruptions_are_those_of_the_turns(
    warehouse: duckdb.DuckDBPyConnection, calls: dict[str, Call]
) -> None:
    turns = defaultdict(list)
    for call_id, *turn in warehouse.execute(
        "select call_id, speaker, offset_seconds, is_cut_off, text"
        " from analytics.conversation_turns where turn_index is not null"
        " order by call_id, turn_index"
    ).fetchall():
        turns[call_id].append(turn)
    replies: dict[Day, list[float]] = defaultdict(list)
    gaps: dict[Day, list[float]] = defaultdict(list)
    counted: dict[Day, Counter[str]] = defaultdict(Counter)
    for call_id, of_call in turns.items():
        day = calls[call_id].day
        if not {"bot", "human"} & {speaker for speaker, *_ in of_call}:
            continue
        cut_offs = sum(is_cut_off or False for _, _, is_cut_off, _ in of_call)
        counted[day]["conversations"] += 1
        counted[day]["cut_offs"] += cut_offs
        counted[day]["interrupted"] += cut_offs > 0
        for speaker, _, _, text in of_call:
            counted[day][f"{speaker}_turns"] += 1
            counted[day][f"{speaker}_characters"] += len(text)
        of_gaps = []
        for (before, start, *_), (speaker, end, *_) in pairwise(of_call):
            if start is None or end is None or end < start:
                continue
            of_gaps.append(end - start)
            if (before, speaker) == ("human", "bot"):
                replies[day].append(rounded(end - start))
        gaps[day] += [max(of_gaps)] if of_gaps else []

    found = warehouse.execute(
        "select first_event_on, direction, webhook, agent, conversation_count, cut_off_count,"
        " interrupted_count, bot_turn_count, human_turn_count, bot_character_count,"
        " human_character_count, reply_count, p50_human_to_bot_seconds, p90_human_to_bot_seconds,"
        " p95_human_to_bot_seconds, gap_conversation_count, round(longest_gap_seconds, 3)"
        " from analytics.conversations_daily"
    ).fetchall()
    names = (
        *("conversations", "cut_offs", "interrupted", "bot_turns", "human_turns"),
        *("bot_characters", "human_characters"),
    )
    assert {row[:4]: row[4:] for row in found} == {
        day: (
            *(of_day[name] for name in names),
            len(replies[day]),
            *(percentile(replies[day], share) for share in (0.5, 0.9, 0.95)),
            len(gaps[day]),
            round(max(gaps[day]), 3) if gaps[day] else None,
        )
        for day, of_day in counted.items()
    }
    assert sum(map(len, replies.values())) > 100

    (sql,) = (sql for sql in fenced(page("docs/figures.md"), "sql") if "up_to_it" in sql)
    january = [second for day, of_day in replies.items() for second in of_day if day[0].year > 2025]
    assert warehouse.execute(sql).fetchall() == [(percentile(january, 0.95),)]


def attempts_of(calls: Iterable[Call]) -> Iterator[tuple[int, Call]]:
    """The place of each attempt to reach somebody, and its call."""
    numbers: Counter[str] = Counter()
    answered = set()
    for call in sorted(calls, key=lambda call: call.at):
        if call.direction != "outbound" or not call.contact or call.contact in answered:
            continue
        numbers[call.contact] += 1
        answered |= {call.contact} if call.outcome == "human" else set()
        yield numbers[call.contact], call


def counts(calls: list[Call]) -> tuple[int, int, int]:
    """How many there are, of how many it is known who answered, and how many a human did."""
    outcomes = Counter(call.outcome for call in calls)
    human = outcomes["human"]
    return len(calls), human + outcomes["no_human"] + outcomes["did_not_connect"], human


def test_attempts_are_counted_up_to_the_first_answer(
    warehouse: duckdb.DuckDBPyConnection, calls: dict[str, Call]
) -> None:
    by_day, by_hour = defaultdict(list), defaultdict(list)
    for number, call in attempts_of(calls.values()):
        by_day[call.local.date(), call.agent, number].append(call)
        if number > 1:
            by_hour[call.local.isoweekday(), call.local.hour, call.agent].append(call)

    counted = "attempt_count, known_count, answered_count"
    found = warehouse.execute(
        f"select first_event_on, agent, attempt_number, {counted} from analytics.attempts_daily"
    ).fetchall()
    assert {row[:3]: row[3:] for row in found} == {key: counts(of) for key, of in by_day.items()}
    found = warehouse.execute(
        f"select weekday, hour, agent, {counted} from analytics.next_attempt_rates"
    ).fetchall()
    assert {row[:3]: row[3:] for row in found} == {key: counts(of) for key, of in by_hour.items()}
    assert max(number for _, _, number in by_day) > 2


def test_who_calls_again_is_counted_by_day(
    warehouse: duckdb.DuckDBPyConnection, calls: dict[str, Call]
) -> None:
    last: dict[str, datetime] = {}
    expected: dict[tuple[date, str], Counter[str]] = defaultdict(Counter)
    for call in sorted(calls.values(), key=lambda call: call.at):
        if call.direction == "inbound" and call.contact:
            of_day = expected[call.local.date(), call.agent]
            before = call.at - last[call.contact] if call.contact in last else None
            of_day["calls"] += 1
            of_day["again"] += before is not None
            of_day["in a day"] += before is not None and before < timedelta(days=1)
            of_day["in a week"] += before is not None and before < timedelta(days=7)
            last[call.contact] = call.at

    found = warehouse.execute(
        "select first_event_on, agent, call_count, repeat_count, repeat_within_day_count,"
        " repeat_within_week_count from analytics.repeat_calls_daily"
    ).fetchall()
    names = ("calls", "again", "in a day", "in a week")
    assert {row[:2]: row[2:] for row in found} == {
        key: tuple(of_day[name] for name in names) for key, of_day in expected.items()
    }
    assert sum(of_day["in a week"] for of_day in expected.values()) > 3


def test_the_contacts_of_a_week_are_followed_week_by_week(
    warehouse: duckdb.DuckDBPyConnection, calls: dict[str, Call]
) -> None:
    by_contact = defaultdict(list)
    for call in sorted(calls.values(), key=lambda call: call.at):
        if call.contact:
            by_contact[call.contact].append(call)
    newest = max(call.local.date() for call in calls.values())
    expected: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    for first, *others in by_contact.values():
        start = monday(first)
        for later in range((newest - start).days // 7 + 1):
            then = {call.direction for call in others if (monday(call) - start).days == 7 * later}
            of_week = expected[start, first.direction, first.agent, later]
            of_week["contacts"] += 1
            of_week["again"] += bool(then)
            of_week["calling"] += "inbound" in then
            of_week["called"] += "outbound" in then

    found = warehouse.execute(
        "select first_week_on, direction, agent, weeks_later, contact_count, again_count,"
        " calling_count, called_count, is_over from analytics.contact_cohorts"
    ).fetchall()
    names = ("contacts", "again", "calling", "called")
    assert {row[:4]: row[4:8] for row in found} == {
        key: tuple(of_week[name] for name in names) for key, of_week in expected.items()
    }
    assert all(
        is_over == ((newest - start).days >= 7 * later + 7)
        for start, _, _, later, *_, is_over in found
    )
    assert sum(of_week["again"] for (*_, later), of_week in expected.items() if later > 1) > 3


def monday(call: Call) -> date:
    """The first day of the week of a call."""
    return call.local.date() - timedelta(days=call.local.weekday())


def fields_of(value: Any, path: str = "$") -> Iterator[tuple[str, Any]]:
    """The path and value of each field of a result; a list's items share a path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from fields_of(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from fields_of(inner, f"{path}[*]")
    else:
        yield path, value


@pytest.fixture(scope="module")
def results(
    warehouse: duckdb.DuckDBPyConnection, calls: dict[str, Call]
) -> dict[tuple[date, str], list[dict[str, list[Any]]]]:
    """By day of receipt and agent the latest result of each call, with the values of each path."""
    latest = {}
    for call_id, received_at, text in warehouse.execute(
        "select call_id, received_at, result_json from fluents.post_call_results"
        " where result_json is not null order by event_id"
    ).fetchall():
        latest[call_id] = (received_at.astimezone(ZoneInfo(ZONE)).date(), json.loads(text))
    found = defaultdict(list)
    for call_id, (day, result) in latest.items():
        values = defaultdict(list)
        for path, value in fields_of(result):
            values[path].append(value)
        found[day, calls[call_id].agent].append(values)
    return found


def test_fields_of_results_are_counted_by_day_and_agent(
    warehouse: duckdb.DuckDBPyConnection,
    results: dict[tuple[date, str], list[dict[str, list[Any]]]],
) -> None:
    expected: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    for day, of_day in results.items():
        for values in of_day:
            for path, of_path in values.items():
                counted = expected[(*day, path)]
                counted["results"] = len(of_day)
                counted["filled"] += any(value not in (None, "") for value in of_path)
                for value in of_path:
                    is_number = isinstance(value, int) and not isinstance(value, bool)
                    counted["numbers"] += is_number
                    counted["total"] += value if is_number else 0
                    counted["booleans"] += isinstance(value, bool)
                    counted["true"] += value is True
                    counted["texts"] += isinstance(value, str)

    found = warehouse.execute(
        "select received_on, agent, path, result_count, filled_count, number_count,"
        " coalesce(total_number, 0), boolean_count, true_count, text_count"
        " from analytics.post_call_fields_daily"
    ).fetchall()
    names = ("results", "filled", "numbers", "total", "booleans", "true", "texts")
    assert {row[:3]: row[3:] for row in found} == {
        key: tuple(counted[name] for name in names) for key, counted in expected.items()
    }
    assert sum(counted["numbers"] for counted in expected.values()) > 20


def test_the_frequent_texts_of_a_field_are_counted_and_the_others_together(
    warehouse: duckdb.DuckDBPyConnection,
    results: dict[tuple[date, str], list[dict[str, list[Any]]]],
) -> None:
    texts: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    of_all: dict[str, Counter[str]] = defaultdict(Counter)
    for day, of_day in results.items():
        for values in of_day:
            for path, of_path in values.items():
                held = {value for value in of_path if isinstance(value, str)}
                texts[(*day, path)].update(held)
                of_all[path].update(value for value in held if len(value) <= 60)
    frequent = {
        path: sorted(counted, key=lambda text: (-counted[text], text))[:20]
        for path, counted in of_all.items()
    }
    expected: dict[tuple[Any, ...], int] = {}
    for (*day, path), counted in texts.items():
        others = sum(n for text, n in counted.items() if text not in frequent[path])
        expected |= {(*day, path, True, "all others"): others} if others else {}
        expected |= {
            (*day, path, False, text): n for text, n in counted.items() if text in frequent[path]
        }

    found = warehouse.execute(
        "select received_on, agent, path, is_other, value, value_count, text_count"
        " from analytics.post_call_values_daily"
    ).fetchall()
    assert {row[:5]: row[5] for row in found} == expected
    assert all(total == texts[tuple(key)].total() for *key, _, _, _, total in found)
    assert max(map(len, of_all.values())) > 20
    assert any("[*]" in path for path in frequent)
