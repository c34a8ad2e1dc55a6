"""The main job, as a person does it: from a webhook to a table that someone queries."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from fluents_connector.errors import LoadRunning
from fluents_connector.locking import only_one
from tests.processes import START_SECONDS, Receiver, environment, free_port

Command = Callable[..., subprocess.CompletedProcess[str]]
TRANSCRIPT_EXAMPLE = {
    "call_id": "00000000-0000-0000-0000-000000000000",
    "type": "event_transcript",
    "from_number": "+15551112222",
    "to_number": "+15553334444",
    "is_outgoing": True,
    "payload": {"transcript": "Sample transcript text for this call..."},
}


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@contextmanager
def running(folder: Path, *arguments: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "run.log").open("wb") as log:
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
            process.send_signal(signal.SIGINT)
        process.wait(60)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def test_init_run_post_query(command: Command, tmp_path: Path) -> None:
    port = free_port()
    url = re.search(r"http://\S+", command("init", "--port", str(port)).stdout)
    assert url is not None
    with running(tmp_path, "run", "--every", "500ms") as process:
        until(lambda: answers(f"http://127.0.0.1:{port}/readyz"))
        posted = requests.post(url[0], json=TRANSCRIPT_EXAMPLE, timeout=30)
        assert posted.json()["status"] == "stored"
        sql = "select call_id, transcript from fluents.transcripts"

        def rows() -> list[str]:
            return command("query", sql, "--format", "json").stdout.splitlines()

        until(lambda: rows() != [])
        assert [json.loads(row) for row in rows()] == [
            {
                "call_id": TRANSCRIPT_EXAMPLE["call_id"],
                "transcript": "Sample transcript text for this call...",
            }
        ]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    log = (tmp_path / "run.log").read_text()
    assert url[0].rsplit("/", 1)[1] not in log
    assert "Traceback" not in log


def test_run_starts_a_process_that_dies_again(command: Command, tmp_path: Path) -> None:
    port = free_port()
    command("init", "--port", str(port))
    with running(tmp_path, "run") as process:
        until(lambda: answers(f"http://127.0.0.1:{port}/readyz"))
        supervisor = psutil.Process(process.pid)

        def loaders() -> list[psutil.Process]:
            alive = [
                child for child in supervisor.children() if child.status() != psutil.STATUS_ZOMBIE
            ]
            return [child for child in alive if "load" in child.cmdline()]

        until(lambda: len(loaders()) == 1)
        (loader,) = loaders()
        os.kill(loader.pid, signal.SIGKILL)
        until(lambda: [child.pid for child in loaders()] not in ([], [loader.pid]))
    assert process.returncode == 0


@pytest.mark.attack
def test_run_serves_again_after_its_receiver_was_killed(command: Command, tmp_path: Path) -> None:
    port = free_port()
    command("init", "--port", str(port))
    url = f"http://127.0.0.1:{port}/readyz"
    with running(tmp_path, "run") as process:
        until(lambda: answers(url))
        (serve,) = (
            child for child in psutil.Process(process.pid).children() if "serve" in child.cmdline()
        )
        workers = serve.children()
        assert workers
        until(lambda: time.time() - serve.create_time() > 6)  # it has run, not failed to start
        serve.kill()
        until(lambda: not any(worker.is_running() for worker in workers))
        until(lambda: answers(url))
        assert process.poll() is None


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells a child of its parent's end")
def test_a_run_that_is_killed_takes_its_processes_with_it(command: Command, tmp_path: Path) -> None:
    port = free_port()
    command("init", "--port", str(port))
    with running(tmp_path, "run") as process:
        until(lambda: answers(f"http://127.0.0.1:{port}/readyz"))
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 4  # the loader, the receiver, its two workers
        process.kill()
        until(lambda: not any(child.is_running() for child in family))


def test_run_ends_with_a_message_when_its_port_is_taken(
    command: Command, tmp_path: Path, receiver: Receiver
) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    command("init", "--config", "second/fluents.toml", "--port", str(receiver.port))
    with running(folder, "run") as process:
        assert process.wait(60) == 1
    (line,) = (folder / "run.log").read_text().splitlines()  # so nothing was started
    assert f"Cannot listen on 127.0.0.1:{receiver.port}" in line
    assert line.endswith("set host and port in fluents.toml.")
    assert not (folder / ".fluents").exists()


def test_run_ends_with_a_message_when_the_port_of_sql_is_taken(
    command: Command, tmp_path: Path, receiver: Receiver
) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    command("init", "--config", "second/fluents.toml", "--port", str(free_port()))
    with running(folder, "run", "--sql", FLUENTS_SQL_PORT=str(receiver.port)) as process:
        assert process.wait(60) == 1
    (line,) = (folder / "run.log").read_text().splitlines()
    assert line.endswith("set sql_host and sql_port in fluents.toml.")


@pytest.mark.attack
def test_run_receives_while_another_load_has_the_lock_and_loads_when_that_ends(
    command: Command, tmp_path: Path
) -> None:
    port = free_port()
    init = command("init", "--port", str(port))
    url = re.findall(r"http://\S+/fluents/webhook/\S+", init.stdout)[0]
    log = tmp_path / "run.log"
    with ExitStack() as locked:
        locked.enter_context(only_one(tmp_path / ".fluents/load.lock", LoadRunning("not free")))
        with running(tmp_path, "run") as process:
            until(lambda: answers(f"http://127.0.0.1:{port}/readyz"))
            assert requests.post(url, json=TRANSCRIPT_EXAMPLE, timeout=30).status_code == 200
            until(lambda: "load_waits" in log.read_text())
            assert process.poll() is None
            locked.close()
            until(lambda: json.loads(command("status", "--json").stdout)["pending"] == 0)
    assert log.read_text().count("load_waits") == 1
    assert "process_died" not in log.read_text()


@pytest.mark.attack
def test_run_receives_while_its_loader_cannot_start(command: Command, tmp_path: Path) -> None:
    port = free_port()
    init = command("init", "--port", str(port))
    url = re.findall(r"http://\S+/fluents/webhook/\S+", init.stdout)[0]
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "dlt.py").write_text("raise SystemExit(7)")
    log = tmp_path / "run.log"
    with running(tmp_path, "run", PYTHONPATH=str(tmp_path / "broken")) as process:
        until(lambda: log.read_text().count("process_died") >= 2)
        assert requests.post(url, json=TRANSCRIPT_EXAMPLE, timeout=30).status_code == 200
        assert process.poll() is None


def test_load_every_loads_what_comes_until_it_is_stopped(
    command: Command, tmp_path: Path, receiver: Receiver
) -> None:
    with running(tmp_path, "load", "--every", "200ms") as process:
        receiver.post(b'{"call_id":"c","type":"event_error","payload":"one"}')

        def pending() -> int:
            return int(json.loads(command("status", "--json").stdout)["pending"])

        until(lambda: pending() == 0)
        receiver.post(b'{"call_id":"c","type":"event_error","payload":"two"}')
        until(lambda: pending() == 0)
        process.terminate()
        assert process.wait(60) == 0
    found = command("query", "select message from fluents.errors order by 1", "--format", "csv")
    assert found.stdout.split() == ["message", "one", "two"]


@pytest.mark.attack
def test_a_lone_event_is_loaded_at_once_and_the_next_only_after_the_interval_or_at_the_end(
    command: Command, tmp_path: Path, receiver: Receiver
) -> None:
    def pending() -> int:
        return int(json.loads(command("status", "--json").stdout)["pending"])

    with running(tmp_path, "load", "--every", "1h") as process:
        until((tmp_path / "fluents_warehouse.duckdb").exists)  # by the first load, of nothing
        receiver.post(b'{"call_id":"c","type":"event_error","payload":"one"}')
        until(lambda: pending() == 0)
        receiver.post(b'{"call_id":"c","type":"event_error","payload":"two"}')
        time.sleep(1)  # if it were not held back, it would be loaded by then
        assert pending() == 1
        process.terminate()
        assert process.wait(60) == 0
    assert pending() == 0


def test_send_posts_a_file_in_each_of_its_forms(
    command: Command, tmp_path: Path, receiver: Receiver
) -> None:
    one = {"call_id": "c", "type": "event_error", "payload": "one"}
    two = {**one, "payload": "two"}
    (tmp_path / "one.json").write_text(json.dumps(one, indent=2))
    (tmp_path / "list.json").write_text(json.dumps([two, {**one, "payload": "three"}]))
    (tmp_path / "lines.jsonl").write_text(f"{json.dumps(two)}\n\n{json.dumps(one)}\nbroken\n")
    assert command("send", "one.json").stdout == "Sent 1: 1 stored.\n"
    assert command("send", "list.json").stdout == "Sent 2: 2 stored.\n"
    lines = command("send", "lines.jsonl")
    # one.json was indented, so its bytes were others
    assert lines.stdout == "Sent 3: 1 duplicate, 1 refused, 1 stored.\n"
    assert "not_json" in lines.stderr
    assert lines.returncode == 1


def test_send_to_nobody_says_so_without_the_token(command: Command, tmp_path: Path) -> None:
    command("init", "--port", str(free_port()))
    (tmp_path / "one.json").write_text("{}")
    result = command("send", "one.json")
    assert result.returncode == 1
    assert "cannot be reached" in result.stderr
    assert "/fluents/webhook/" not in result.stderr + result.stdout


@pytest.mark.parametrize(
    "arguments", [[], ["--version"], ["--help"]], ids=["none", "version", "help"]
)
def test_the_command_alone_tells_how_to_use_it(command: Command, arguments: list[str]) -> None:
    result = command(*arguments)
    assert "fluents-warehouse" in result.stdout + result.stderr
