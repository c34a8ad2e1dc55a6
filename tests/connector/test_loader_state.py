"""What loaders, receivers and the command line know of each other."""

from __future__ import annotations

import base64
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fluents_connector.errors import (
    AlertsFailed,
    AlertsRunning,
    LoadFailed,
    LoadRunning,
    ReplayWaiting,
)
from fluents_connector.loader_state import (
    AlertRecord,
    FileLoaderState,
    LoaderState,
    LoadReport,
    ReplayAnswer,
    ReplayRequest,
)
from tests.connector.alerts.findings import opened
from tests.processes import environment

LOADS = """
import base64, pickle, sys
with pickle.loads(base64.b64decode(sys.argv[1])).only_loader():
    print("loads", flush=True)
    sys.stdin.read()
"""
REQUEST = ReplayRequest("first", since=5, types=("event_error",))


@pytest.fixture
def state(tmp_path: Path) -> LoaderState:
    return FileLoaderState(tmp_path / "data")


def test_nothing_is_known_before_anything_was_said(state: LoaderState, tmp_path: Path) -> None:
    assert (state.report(), state.asked(), state.answered("first")) == (None, None, None)
    state.withdraw("first")
    assert list(tmp_path.iterdir()) == []


def test_a_report_is_read_as_it_was_written_and_the_next_replaces_it(tmp_path: Path) -> None:
    state = FileLoaderState(tmp_path)
    report = LoadReport(1.0, 2.5, 7, succeeded=False, error="why", model_errors=["a", "b"])
    for written in (report, replace(report, succeeded=True, error=None, taken_back_at=1.5)):
        state.write_report(written)
        assert state.report() == written
    assert len(list(tmp_path.iterdir())) == 1


def test_a_request_that_cannot_be_left_is_an_error_that_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LoadFailed, match=f"cannot be asked for in {tmp_path}/file: .*permissions"):
        FileLoaderState(tmp_path / "file").ask(REQUEST)


def test_a_request_waits_until_it_is_answered_and_no_other_takes_its_place(
    state: LoaderState,
) -> None:
    state.ask(REQUEST)
    with pytest.raises(ReplayWaiting, match="`fluents-warehouse load`"):
        state.ask(ReplayRequest("second"))
    assert state.asked() == REQUEST
    state.withdraw("second")
    assert state.asked() == REQUEST
    answer = ReplayAnswer("first", deliveries=3, added=1, error="why")
    state.answer(answer)
    assert state.asked() is None
    assert state.answered("first") == answer
    assert state.answered("second") is None
    state.ask(ReplayRequest("second"))
    state.withdraw("second")
    assert state.asked() is None


def test_only_one_loads_until_it_ends_however_that_ends(state: LoaderState) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LOADS, base64.b64encode(pickle.dumps(state))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == b"loads\n"
        with pytest.raises(LoadRunning, match="Another load is running"), state.only_loader():
            raise AssertionError("two loaders")
        other.kill()
    with state.only_loader():
        pass


def test_a_folder_that_cannot_be_made_says_that_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    with (
        pytest.raises(LoadFailed, match="Nothing is lost"),
        FileLoaderState(tmp_path / "data").only_loader(),
    ):
        raise AssertionError("loads")


def test_what_alerts_found_is_read_as_it_was_written_and_one_at_a_time_writes(
    state: LoaderState,
) -> None:
    assert state.alerts() is None
    found = opened(values=[1, None, {"a": 0.5}], text="ä\x1b\n")
    record = AlertRecord(1.5, {"lag": "critical"}, [found, replace(found, is_posted=True)], ["no"])
    with state.only_alerter():
        state.record_alerts(record)
        with pytest.raises(AlertsRunning, match="Another"), state.only_alerter():
            pass
    assert state.alerts() == record


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"looked_at": -1}', '{"looked_at": 1, "severities": {"a": "bad"}}']
)
def test_a_record_of_alerts_that_is_none_is_no_record(tmp_path: Path, text: str) -> None:
    (tmp_path / "alerts.json").write_text(text)
    assert FileLoaderState(tmp_path).alerts() is None


def test_a_folder_that_takes_no_record_is_an_error_that_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    state = FileLoaderState(tmp_path / "file")
    with pytest.raises(AlertsFailed, match=f"recorded in {tmp_path}/file: "):
        state.record_alerts(AlertRecord(1.0))
    with pytest.raises(AlertsFailed, match="permissions"), state.only_alerter():
        pass
