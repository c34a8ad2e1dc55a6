"""A set-up that fails shows: refused requests are counted by reason, and no secret is kept."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fluents_connector.loader_state import FileLoaderState, LoadReport
from fluents_connector.loader_state.files import REPORT
from fluents_connector.receiver.refusals import FILE, Refusals, read_refusals
from tests.connector.receiver.test_server import until
from tests.deliveries import TOKEN, body
from tests.processes import Receiver, run_command, write_settings

Command = Callable[..., subprocess.CompletedProcess[str]]


def counted(folder: Path) -> dict[str, int]:
    return {reason: row["count"] for reason, row in read_refusals(folder).items()}


def test_status_shows_refusals_by_reason_across_processes_and_restarts(tmp_path: Path) -> None:
    began = time.monotonic()
    with Receiver(tmp_path, workers=2, allowed_networks=["192.0.2.0/24"]) as receiver:
        for number in range(20):
            receiver.session.post(f"{receiver.url[:-1]}{number}", data=b"{}", timeout=30)
        receiver.post(body("event_error"))
        receiver.session.get(f"{receiver.base}/{TOKEN}", timeout=30)
        receiver.session.get(receiver.url, timeout=30)
        expected = {
            "method_not_allowed": 1,
            "not_found": 1,
            "outside_allowed_networks": 1,
            "wrong_token": 20,
        }
        until(lambda: counted(tmp_path / ".fluents") == expected)
        assert receiver.stop() == 0
        receiver.start()
        receiver.session.post(f"{receiver.url}x", data=b"{}", timeout=30)
        expected["wrong_token"] = 21
        until(lambda: counted(tmp_path / ".fluents") == expected)
        assert receiver.stop() == 0
    state = json.loads(run_command(tmp_path, "status", "--json").stdout)["refused_requests"]
    assert {reason: row["count"] for reason, row in state.items()} == expected
    assert all(row["last_at"].endswith("+00:00") for row in state.values())
    text = run_command(tmp_path, "status").stdout
    assert "21 wrong_token, last " in text
    assert "`init` prints the right one" in text
    said = receiver.log.read_text()
    minutes = (time.monotonic() - began) / 60  # one line a minute, on a slow machine more
    assert 1 <= said.count('"reason": "wrong_token"') <= 1 + minutes
    assert TOKEN not in said + text + (tmp_path / ".fluents" / FILE).read_text()


def test_a_flood_is_one_write(tmp_path: Path) -> None:
    refusals = Refusals(tmp_path)
    for _ in range(1000):
        refusals.note("wrong_token")
    assert not (tmp_path / FILE).exists()
    refusals.flush()
    assert counted(tmp_path) == {"wrong_token": 1000}


def test_processes_that_write_at_once_lose_no_count(tmp_path: Path) -> None:
    several = [Refusals(tmp_path) for _ in range(4)]

    def add(refusals: Refusals) -> None:
        for _ in range(10):
            refusals.note("not_found")
            refusals.flush()

    threads = [threading.Thread(target=add, args=(one,)) for one in several]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(tmp_path) == {"not_found": 40}


WHOLE = {"count": 3, "last_at": 1.0, "logged": 3, "logged_at": 1.0}


@pytest.mark.parametrize(
    "damaged",
    [
        '"count": "x"', '"count": null', '"count": 1.5', '"last_at": NaN', '"last_at": 1e300',
        '"last_at": "now"', '"last_at": -1e300', '"logged": []', '"logged_at": {}',
    ],
)  # fmt: skip
def test_a_damaged_row_ends_neither_status_nor_the_counting(tmp_path: Path, damaged: str) -> None:
    folder = tmp_path / ".fluents"
    folder.mkdir()
    whole = json.dumps(WHOLE)
    row = f"{whole[:-1]}, {damaged}}}"
    (folder / FILE).write_text(f'{{"wrong_token": {whole}, "not_found": {row}}}')
    assert counted(folder) == {"wrong_token": 3}
    refusals = Refusals(folder)
    refusals.note("not_found")
    refusals.note("wrong_token")
    refusals.flush()
    assert counted(folder) == {"wrong_token": 4, "not_found": 1}


@pytest.mark.parametrize(
    "text", ["[1", "[]", "7", "\udcff", "[" * 100_000], ids=["cut", "list", "number", "", "deep"]
)
def test_a_damaged_file_is_begun_again(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert counted(tmp_path) == {}
    refusals = Refusals(tmp_path)
    refusals.note("not_found")
    refusals.flush()
    assert counted(tmp_path) == {"not_found": 1}


@pytest.mark.parametrize(
    "damaged",
    ['"finished_at": NaN', '"started_at": 1e300', '"taken_back_at": "x"', '"model_errors": 7', "["],
)
def test_a_damaged_report_of_the_last_load_is_none(
    command: Command, tmp_path: Path, damaged: str
) -> None:
    write_settings(tmp_path)
    folder = tmp_path / ".fluents"
    folder.mkdir()
    FileLoaderState(folder).write_report(LoadReport(1.0, 2.0, 1, succeeded=True, error=None))
    report = folder / REPORT
    report.write_text(f"{report.read_text()[:-1]}, {damaged}}}")
    shown = command("status")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Last load:      none yet" in shown.stdout


def test_what_cannot_be_written_is_kept_for_the_next_time(tmp_path: Path) -> None:
    refusals = Refusals(tmp_path / "gone")
    refusals.note("not_found")
    (tmp_path / "gone").write_text("a file where the folder was")
    refusals.flush()
    (tmp_path / "gone").unlink()
    (tmp_path / "gone").mkdir()
    refusals.note("not_found")
    refusals.flush()
    assert counted(tmp_path / "gone") == {"not_found": 2}


@pytest.mark.parametrize("content", ["", "[]", '{"not_found": 1}', "null"])
def test_a_damaged_file_starts_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    assert read_refusals(tmp_path) == {}
    refusals = Refusals(tmp_path)
    refusals.note("not_found")
    refusals.flush()
    assert counted(tmp_path) == {"not_found": 1}


def test_a_slash_at_the_end_of_the_url_is_accepted(tmp_path: Path) -> None:
    with Receiver(tmp_path, workers=1) as receiver:
        for method, status in (("POST", 200), ("GET", 405)):
            answer = receiver.session.request(
                method, f"{receiver.url}/", data=body("event_error"), timeout=30
            )
            assert answer.status_code == status
        for wrong in (f"{TOKEN}//", f"{TOKEN}/a", "/", "//"):
            url = f"{receiver.base}/fluents/webhook/{wrong}"
            assert receiver.session.post(url, data=b"{}", timeout=30).status_code == 404
