"""The real server: two worker processes that share one buffer, stop cleanly and come back."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psutil
import pytest
import requests

from fluents_connector.buffer import Counts, SqliteBuffer
from tests.deliveries import TOKEN, body, whole
from tests.processes import START_SECONDS, Receiver, environment, free_port, write_settings

LIMIT = 4096
GOOD = body("event_error", "x" * 1000)
Command = Callable[..., subprocess.CompletedProcess[str]]


def until(true: Callable[[], object]) -> None:
    """Waits until `true()`; fails after a time that only a hanging process needs."""
    deadline = time.monotonic() + START_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def workers(receiver: Receiver) -> list[psutil.Process]:
    """The worker processes that take connections."""
    listening = []
    for process in psutil.Process(receiver.process.pid).children(recursive=True):
        try:
            if any(found.status == psutil.CONN_LISTEN for found in process.net_connections()):
                listening.append(process)
        except psutil.NoSuchProcess:
            continue
    return listening


def all_workers(receiver: Receiver) -> list[psutil.Process]:
    until(lambda: len(workers(receiver)) == 2)
    return workers(receiver)


def buffer_of(receiver: Receiver) -> SqliteBuffer:
    return SqliteBuffer(receiver.folder / ".fluents" / "buffer.sqlite")


def counts(receiver: Receiver) -> Counts:
    with closing(buffer_of(receiver)) as buffer:
        return buffer.counts()


def post_alone(receiver: Receiver, content: bytes) -> requests.Response:
    """Posts over a connection of its own, so that any worker may get it."""
    return requests.post(receiver.url, data=content, timeout=30)


def metric(receiver: Receiver, name: str) -> float:
    page = requests.get(f"{receiver.base}/metrics", timeout=30).text
    found = re.search(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_workers_share_one_buffer(receiver: Receiver) -> None:
    all_workers(receiver)
    bodies = [body("event_error", number) for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda content: post_alone(receiver, content), bodies * 2))
    assert {answer.status_code for answer in answers} == {200}
    words = [answer.json()["status"] for answer in answers]
    assert (words.count("stored"), words.count("duplicate")) == (60, 60)
    with closing(buffer_of(receiver)) as buffer:
        stored = {row[6] for row in whole(buffer).rows if row[7] is None}
        assert stored == set(bodies)
        assert buffer.counts().received == 120


def test_metrics_are_summed_over_workers(receiver: Receiver) -> None:
    all_workers(receiver)
    before = metric(receiver, 'fluents_responses_total{status="400"}')
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post_alone(receiver, b"bad"), range(40)))
    assert {answer.status_code for answer in answers} == {400}
    for _ in range(10):  # whichever worker is asked
        assert metric(receiver, 'fluents_responses_total{status="400"}') == before + 40
        assert metric(receiver, "fluents_append_seconds_count") == 40
        assert metric(receiver, "fluents_quarantined_total") == 40


def chunks(size: int) -> Iterator[bytes]:
    """An event of `size` bytes, in pieces whose sum nobody announced."""
    content = body("event_error", "x" * (size - len(body("event_error", ""))))
    assert len(content) == size
    for start in range(0, size, 1000):
        yield content[start : start + 1000]


def test_a_chunked_body_is_stored_up_to_the_limit_and_refused_over_it(tmp_path: Path) -> None:
    with Receiver(tmp_path, max_body_bytes=LIMIT) as receiver:
        for size, status in ((LIMIT, 200), (LIMIT + 1, 413), (LIMIT + 2, 413), (LIMIT * 9, 413)):
            answer = receiver.session.post(receiver.url, data=chunks(size), timeout=30)
            assert answer.status_code == status
        assert answer.json()["error"] == "too_large"
        with closing(buffer_of(receiver)) as buffer:
            assert [refused.body for refused in buffer.quarantined(9)] == [None] * 3
            assert buffer.counts().pending == 1


def half_sent(receiver: Receiver) -> socket.socket:
    """A request under way: the receiver asked for the body and got half of it."""
    connection = socket.create_connection(("127.0.0.1", receiver.port), timeout=30)
    head = (
        f"POST /fluents/webhook/{TOKEN} HTTP/1.1\r\nHost: a\r\n"
        f"Content-Length: {len(GOOD)}\r\nExpect: 100-continue\r\n\r\n"
    )
    connection.sendall(head.encode())
    assert connection.recv(4096).startswith(b"HTTP/1.1 100 ")  # a worker reads the body now
    connection.sendall(GOOD[:500])
    return connection


def is_refused(receiver: Receiver) -> bool:
    try:
        socket.create_connection(("127.0.0.1", receiver.port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


@pytest.mark.parametrize("to", ["process", "group"])
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=lambda stop: stop.name)
def test_a_signal_ends_it_with_status_0_after_the_request_under_way(
    receiver: Receiver, stop: signal.Signals, to: str
) -> None:
    all_workers(receiver)
    with half_sent(receiver) as connection:
        send = os.killpg if to == "group" else os.kill
        send(receiver.process.pid, stop)
        until(lambda: is_refused(receiver))
        connection.sendall(GOOD[500:])
        answer = b""
        while received := connection.recv(4096):
            answer += received
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"stored"' in answer
    assert receiver.process.wait(START_SECONDS) == 0
    assert counts(receiver).received == 1
    assert "Traceback" not in receiver.log.read_text()


def test_a_worker_that_is_still_starting_stops_too(tmp_path: Path) -> None:
    port = free_port()
    write_settings(tmp_path, port=port, workers=2)
    with subprocess.Popen(
        [sys.executable, "-m", "fluents_warehouse", "serve"],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.DEVNULL,
    ) as process:
        until(lambda: len(psutil.Process(process.pid).children()) == 2)
        process.terminate()
        answered = 0
        while process.poll() is None:
            try:
                requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5)
                answered += 1
            except requests.RequestException:
                time.sleep(0.02)
    assert process.returncode == 0
    assert answered == 0


def test_half_a_body_stores_nothing(receiver: Receiver) -> None:
    half_sent(receiver).close()
    until(lambda: metric(receiver, 'fluents_responses_total{status="400"}') == 1)
    assert counts(receiver).received == 0


def test_a_killed_worker_is_replaced_and_loses_nothing(receiver: Receiver) -> None:
    before = all_workers(receiver)
    stored = [receiver.post(body("event_error", number)).json()["event_id"] for number in range(5)]
    before[0].kill()
    until(lambda: len(workers(receiver)) == 2 and before[0] not in workers(receiver))
    after = [post_alone(receiver, body("event_error", [number])) for number in range(20)]
    stored += [answer.json()["event_id"] for answer in after]
    with closing(buffer_of(receiver)) as buffer:
        assert [row[1] for row in whole(buffer).rows] == stored
    assert receiver.stop() == 0


def test_it_goes_on_where_it_was_after_a_restart(receiver: Receiver) -> None:
    first = receiver.post(GOOD).json()["event_id"]
    assert receiver.stop() == 0
    receiver.start()
    assert receiver.post(GOOD).json()["duplicate_of"] == first


def test_no_token_is_in_a_log_a_metric_or_a_command_line(receiver: Receiver) -> None:
    parts = [receiver.post(content).text for content in (GOOD, GOOD, b"bad")]
    parts.append(receiver.session.get(receiver.url, timeout=30).text)
    for request in (f"GARBAGE {TOKEN}\r\n\r\n", f"POST /{TOKEN} HTTP/9.9\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", receiver.port), timeout=30) as connection:
            connection.sendall(request.encode())
            parts.append(connection.recv(4096).decode())
    half_sent(receiver).close()
    parts.append(receiver.session.get(f"{receiver.base}/metrics", timeout=30).text)
    for process in [psutil.Process(receiver.process.pid), *all_workers(receiver)]:
        parts.append(" ".join(process.cmdline()))
    assert receiver.stop() == 0
    parts.append(receiver.log.read_text())
    assert "receiver_started" in parts[-1]
    assert TOKEN not in "\n".join(parts)


def test_a_port_in_use_is_said_with_what_to_do(tmp_path: Path, command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        write_settings(tmp_path, port=port)
        ended = command("serve")
    assert ended.returncode == 1
    assert re.match(
        rf"Error: Cannot listen on 127\.0\.0\.1:{port}: .* set host and port", ended.stderr
    )
    assert "Traceback" not in ended.stderr


def test_a_second_receiver_on_the_port_is_refused(receiver: Receiver, command: Command) -> None:
    ended = command("serve")
    assert ended.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{receiver.port}" in ended.stderr
    assert receiver.post(GOOD).status_code == 200


def test_without_a_webhook_it_says_how_to_make_one(tmp_path: Path, command: Command) -> None:
    (tmp_path / "fluents.toml").touch()
    ended = command("serve")
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: No webhook has a token")
    assert "fluents-warehouse init" in ended.stderr


def test_a_foreign_buffer_is_refused_at_the_start(tmp_path: Path, command: Command) -> None:
    (tmp_path / "notes.txt").write_text("not a buffer")
    write_settings(tmp_path, port=free_port(), buffer_path="notes.txt")
    ended = command("serve")
    assert ended.returncode == 1
    assert "notes.txt is not a staging buffer" in ended.stderr
    assert (tmp_path / "notes.txt").read_text() == "not a buffer"
