"""`alerts`, `status --fail-if` and the alerts of `run`, as a scheduler and an operator see them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.loader_state import loader_state
from fluents_connector.settings import load_settings
from tests.alert_receiver import AlertReceiver, receiving
from tests.deliveries import append_all, body
from tests.processes import START_SECONDS, Receiver, environment, run_command, write_settings

Command = Callable[..., subprocess.CompletedProcess[str]]
SECRET = "hidden-0123456789-abcdefghijkl"  # noqa: S105 # of no one


def receive(folder: Path) -> Path:
    settings = load_settings(write_settings(folder, buffer_keep_days=36500))
    received_at = time.time_ns() // 1000 - 3600 * 1_000_000
    buffer = SqliteBuffer(settings.buffer_file)
    append_all(buffer, [body("event_error", "a"), body("event_error", "b")], lambda: received_at)
    buffer.close()
    return folder


@pytest.fixture
def waiting(tmp_path: Path) -> Path:
    """Two deliveries that were received an hour ago, and no warehouse."""
    return receive(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = receive(tmp_path_factory.mktemp("made"))
    assert run_command(folder, "load").returncode == 0
    return folder


@pytest.fixture
def loaded(made: Path, tmp_path: Path) -> Path:
    """What `waiting` is after a load."""
    return Path(shutil.copytree(made, tmp_path, symlinks=True, dirs_exist_ok=True))


@contextmanager
def running(folder: Path, *arguments: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "alerts.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "fluents_warehouse", *arguments],
            cwd=folder,
            env=environment(**env),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)


def until(done: Callable[[], Any], seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def url_of(server: AlertReceiver) -> dict[str, str]:
    return {"FLUENTS_ALERTS_URL": f"{server.base}/services/{SECRET}"}


def states(server: AlertReceiver) -> list[tuple[str, str]]:
    return [
        (finding["alert"], finding["state"])
        for posted in server.bodies
        for finding in posted["findings"]
    ]


def test_findings_are_sentences_and_the_status_is_as_asked_for(
    command: Command, waiting: Path
) -> None:
    plain = command("alerts")
    assert (plain.returncode, plain.stderr) == (0, "")
    (lag,) = plain.stdout.splitlines()
    assert lag.startswith("critical  lag: 2 deliveries wait to be loaded and published, the oldest")
    assert lag.endswith("(docs/alerts.md#lag)")
    for severity in ("warning", "critical"):
        assert command("alerts", "--fail-if", severity).returncode == 4
        assert command("status", "--fail-if", severity).returncode == 4


def test_where_nothing_is_wrong_it_says_so_and_records_nothing(
    command: Command, loaded: Path
) -> None:
    fine = command("alerts", "--fail-if", "warning")
    assert (fine.returncode, fine.stdout) == (0, "No findings: 7 of 7 alerts were run.\n")
    assert command("status", "--fail-if", "warning").returncode == 0
    assert not (loaded / ".fluents" / "alerts.json").exists()


def test_a_warning_fails_only_where_warnings_should(command: Command, loaded: Path) -> None:
    limits = {"FLUENTS_ALERTS__ERROR_RATE_CALLS": "1", "FLUENTS_ALERTS__ERROR_RATE": "0.01"}
    assert command("alerts", "--fail-if", "critical", env=limits).returncode == 0
    failed = command("alerts", "--fail-if", "warning", env=limits)
    assert failed.returncode == 4
    assert failed.stdout.startswith("warning  error_rate: 100 % of the calls of the webhook main")


def test_json_is_one_object_for_scripts(command: Command, waiting: Path) -> None:
    shown = json.loads(command("alerts", "--format", "json").stdout)
    assert [one["alert"] for one in shown["findings"]] == ["lag"]
    assert shown["findings"][0]["values"]["waiting_count"] == 2
    assert shown["errors"] == []
    status = json.loads(command("status", "--json", "--fail-if", "critical").stdout)
    assert (status["pending"], len(status["alerts"]["findings"])) == (2, 1)
    assert "alerts" not in json.loads(command("status", "--json").stdout)


def test_an_alert_of_the_user_that_is_wrong_ends_with_status_1(
    command: Command, loaded: Path
) -> None:
    (loaded / "mine").mkdir()
    (loaded / "mine" / "a.sql").write_text("-- severity: warning\n-- says: x\nselect nope")
    env = {"FLUENTS_ALERTS_DIR": "mine"}
    for arguments in (["alerts"], ["status", "--fail-if", "critical"]):
        ended = command(*arguments, env=env)
        assert ended.returncode == 1
        assert "wrong  mine/a.sql:3: Binder Error" in ended.stdout
        assert "Traceback" not in ended.stderr


WRONG = {
    "post_to_nobody": (["--post"], {}, 1, "`alerts_url` is not set"),
    "unknown_limit": ([], {"FLUENTS_ALERTS__SILENSE": "5"}, 1, "Did you mean `silence`?"),
    "no_severity": (["--fail-if", "bad"], {}, 2, "'warning', 'critical'"),
    "both": (["--every", "1m", "--fail-if", "warning"], {}, 2, "--every prints nothing"),
    "no_port": ([], {"FLUENTS_ALERTS_URL": f"https://x:{SECRET}/"}, 1, "begins with https://"),
}


@pytest.mark.parametrize(("arguments", "env", "status", "error"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_in_a_sentence(
    command: Command,
    waiting: Path,
    arguments: list[str],
    env: dict[str, str],
    status: int,
    error: str,
) -> None:
    ended = command("alerts", *arguments, env=env)
    assert (ended.returncode, ended.stdout) == (status, "")
    assert error in ended.stderr
    assert "Traceback" not in ended.stderr
    assert SECRET not in ended.stderr


def test_findings_are_posted_once(command: Command, waiting: Path) -> None:
    with receiving(200) as server:
        for _ in range(2):
            ended = command("alerts", "--post", env=url_of(server))
            assert (ended.returncode, ended.stderr) == (0, "")
            assert "lag: 2 deliveries" in ended.stdout
    assert states(server) == [("lag", "new")]
    (posted,) = server.bodies
    assert posted["text"].startswith("fluents-warehouse: findings: 1 new, 0 ended\ncritical: 2 del")


def test_what_cannot_be_posted_is_shown_kept_and_posted_later(
    command: Command, waiting: Path
) -> None:
    with receiving(404, 404, 200) as server:
        failed = command("alerts", "--post", env=url_of(server))
        assert failed.returncode == 1
        assert "lag: 2 deliveries" in failed.stdout
        assert failed.stderr.startswith(
            "Error: The findings were not posted: the address in `alert"
        )
        assert "answered 404" in failed.stderr
        assert SECRET not in failed.stderr + failed.stdout
        worse = command("alerts", "--post", "--fail-if", "critical", env=url_of(server))
        assert worse.returncode == 4
        assert command("alerts", "--post", env=url_of(server)).returncode == 0
    assert len(server.bodies) == 3


def test_while_another_posts_it_ends_with_status_3(command: Command, waiting: Path) -> None:
    state = loader_state(load_settings(waiting / "fluents.toml"))
    with receiving(200) as server, state.only_alerter():
        ended = command("alerts", "--post", env=url_of(server))
    assert ended.returncode == 3
    assert "Another `fluents-warehouse alerts`" in ended.stderr
    assert server.bodies == []


@pytest.mark.attack
def test_a_folder_that_cannot_be_written_is_an_error_in_a_sentence(
    command: Command, waiting: Path
) -> None:
    (waiting / ".fluents" / "alerts.json").mkdir()
    with receiving(200) as server:
        ended = command("alerts", "--post", env=url_of(server))
    assert ended.returncode == 1
    assert "cannot be recorded in" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.attack
def test_a_pipe_that_is_closed_is_no_error(waiting: Path) -> None:
    many = waiting / "mine"
    many.mkdir()
    for number in range(20):
        sql = "select repeat('x', 400) as a, range as b from range(50)"
        (many / f"a{number}.sql").write_text(f"-- severity: warning\n-- says: {{a}} {{b}}\n{sql}")
    with subprocess.Popen(
        [sys.executable, "-m", "fluents_warehouse", "alerts"],
        cwd=waiting,
        env=environment(FLUENTS_ALERTS_DIR="mine"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) in (0, 1)  # click says 1
        assert process.stderr.read() == b""


def findings_shown(receiver: Receiver) -> dict[str, float]:
    page = requests.get(f"{receiver.base}/metrics", timeout=30).text
    rows = [line.rsplit(" ", 1) for line in page.splitlines() if line.startswith("fluents_alert")]
    return {name: float(value) for name, value in rows}


@pytest.mark.attack
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_again_and_again_it_logs_posts_and_has_metrics_until_it_is_stopped(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "always.sql").write_text("-- severity: critical\n-- says: x\nselect 1")
    env = {"FLUENTS_ALERTS_DIR": "mine"}
    with (
        Receiver(tmp_path, log_format="json") as receiver,
        receiving(500, 500, 500, "reset", 200) as server,
    ):
        assert findings_shown(receiver) == {}
        with running(
            tmp_path, "alerts", "--every", "200ms", "--post", **env, **url_of(server)
        ) as process:
            until(lambda: states(server)[-1:] == [("always", "new")] and len(server.bodies) > 4)
            name = 'fluents_alert_findings{alert="always",severity="critical"}'
            assert findings_shown(receiver)[name] == 1
            process.send_signal(number)
            assert process.wait(60) == 0
    lines = (tmp_path / "alerts.log").read_text().splitlines()
    logged = [json.loads(line) for line in lines]
    assert [one["alert"] for one in logged if one["event"] == "alert_found"] == ["always"]
    assert any("answered 500" in one.get("error", "") for one in logged)
    assert SECRET not in str(lines)


@pytest.mark.attack
@pytest.mark.parametrize("behaviour", ["hang", "drip"])
def test_ctrl_c_ends_it_while_a_server_does_not_answer(waiting: Path, behaviour: str) -> None:
    with (
        receiving(behaviour) as server,
        running(waiting, "alerts", "--post", **url_of(server)) as process,
    ):
        until(lambda: server.bodies)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) == 130
    printed = (waiting / "alerts.log").read_text()
    assert "Traceback" not in printed
    assert SECRET not in printed


@pytest.mark.attack
def test_ctrl_c_ends_it_in_an_alert_that_never_ends(loaded: Path) -> None:
    (loaded / "mine").mkdir()
    long = "select sum(sin(a.range)) from range(10000000) a, range(100000) b"
    (loaded / "mine" / "a.sql").write_text(f"-- severity: warning\n-- says: x\n{long}")
    with running(loaded, "alerts", FLUENTS_ALERTS_DIR="mine") as process:
        time.sleep(4)  # wherever it is by then
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) == 130
    assert (loaded / "alerts.log").read_text().strip() == ""


@pytest.mark.attack
def test_run_posts_beside_loads_that_go_on_whatever_the_server_does(tmp_path: Path) -> None:
    with receiving("hang") as server:
        limits = {"FLUENTS_ALERTS__QUARANTINE": "1", "FLUENTS_LOG_FORMAT": "json"}
        with Receiver(tmp_path, "run", env={**url_of(server), **limits}) as receiver:
            assert receiver.post(b"{").status_code == 400
            # with the second look, where the first load takes long
            until(lambda: states(server) == [("quarantine", "new")], 4 * START_SECONDS)
            assert receiver.post(body("event_error", "x")).status_code == 200

            def pending() -> int:
                return int(json.loads(run_command(tmp_path, "status", "--json").stdout)["pending"])

            until(lambda: pending() == 0)  # while the POST hangs
            assert receiver.stop() == 0
        log = receiver.log.read_text()
    assert "alert_found" in log
    assert "process_died" not in log
    assert SECRET not in log
    assert "Traceback" not in log
