"""A finding is told once when it begins and once when it has ended, whatever happens between."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from fluents_connector.alerts import advance, posted, to_post
from fluents_connector.alerts.tracking import ENDS_AFTER_SECONDS
from fluents_connector.loader_state import AlertRecord
from tests.connector.alerts.findings import finding

ALERTS = {"lag": "critical", "silence": "critical"}


def step(
    record: AlertRecord | None, keys: Iterable[str], now: float, run: Iterable[str] = ALERTS
) -> AlertRecord:
    found = [finding(key) for key in keys]
    return advance(record, found, severities=ALERTS, run=set(run), errors=[], now=now)


def told(record: AlertRecord) -> list[tuple[str, str]]:
    return [(one.finding.key, "ended" if one.has_ended else "new") for one in to_post(record)]


def test_a_new_finding_is_told_once() -> None:
    record = step(None, ["a"], 0)
    assert told(record) == [("a", "new")]
    record = step(posted(record), ["a", "b"], 60)
    assert told(record) == [("b", "new")]
    assert told(step(posted(record), ["a", "b"], 120)) == []


def test_what_could_not_be_posted_is_told_again() -> None:
    record = step(None, ["a"], 0)
    record = step(record, ["a"], 60)
    assert told(record) == [("a", "new")]
    assert record.findings[0].since == 0


def test_it_ends_once_it_has_not_been_found_for_a_while() -> None:
    record = posted(step(None, ["a"], 0))
    record = step(record, [], ENDS_AFTER_SECONDS - 1)
    assert told(record) == []
    record = step(record, [], ENDS_AFTER_SECONDS)
    assert told(record) == [("a", "ended")]
    assert told(step(record, [], 999)) == [("a", "ended")]  # as the POST failed
    assert step(posted(record), [], 999).findings == []


def test_one_that_comes_and_goes_is_told_once() -> None:
    record = posted(step(None, ["a"], 0))
    for minute in range(1, 60):
        record = step(record, ["a"] if minute % 4 == 0 else [], minute * 60)
        assert told(record) == []


def test_one_that_was_never_told_ends_without_a_word() -> None:
    assert step(step(None, ["a"], 0), [], ENDS_AFTER_SECONDS).findings == []


def test_one_that_is_found_again_before_its_end_was_posted_goes_on() -> None:
    record = step(posted(step(None, ["a"], 0)), [], ENDS_AFTER_SECONDS)
    record = step(record, ["a"], ENDS_AFTER_SECONDS + 60)
    assert told(record) == []
    assert [one.since for one in record.findings] == [0]


def test_of_an_alert_that_could_not_be_run_nothing_ends() -> None:
    record = posted(step(None, ["a"], 0))
    record = step(record, [], 9_999, run=["silence"])
    assert told(record) == []
    assert len(record.findings) == 1


def test_those_of_an_alert_that_is_switched_off_end_at_once() -> None:
    record = posted(step(None, ["a"], 0))
    record = advance(record, [], severities={}, run=set(), errors=[], now=1)
    assert told(record) == [("a", "ended")]


@given(st.lists(st.tuples(st.sets(st.sampled_from("abc")), st.booleans()), max_size=30))
def test_what_was_posted_begins_and_ends_in_turn_whatever_is_found(
    looks: list[tuple[set[str], bool]],
) -> None:
    record, known = None, dict[str, str]()
    for number, (keys, is_taken) in enumerate(looks):
        record = step(record, sorted(keys), number * 100)
        if not is_taken:
            continue
        for key, state in told(record):
            assert state == ("ended" if known.get(key) == "new" else "new")
            known[key] = state
        assert {key for key in keys if known.get(key) != "new"} == set()
        record = posted(record)
