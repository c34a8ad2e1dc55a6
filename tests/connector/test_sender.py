"""Sends bodies, counts the answers, tries a 503 again, and never tells the token."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.errors import SendError
from fluents_connector.sender import RETRIES, SHOWN_REFUSALS, TRIES, Post, send, send_all
from tests.deliveries import TOKEN, body
from tests.processes import Receiver

PATH = f"/fluents/webhook/{TOKEN}"
STORED = (200, {}, b'{"status":"stored"}')
Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def answering(answer: Callable[[int, bytes], Answer]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives `answer` of a request's number and body: its URL, and the bodies."""
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer waits 40 ms for its own header

        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers, content = answer(len(received), received[-1])
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(content))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{PATH}", received
        finally:
            server.shutdown()
            serving.join()


def test_the_answers_of_a_receiver_are_counted(receiver: Receiver) -> None:
    bodies = [body("event_error", number) for number in range(30)]
    steps: list[int] = []
    result = send([*bodies, bodies[0], b"bad"], receiver.url, connections=2, progress=steps.append)
    assert result.answers == Counter(stored=30, duplicate=1, refused=1)
    assert steps == sorted(steps)
    assert steps[-1] == 32
    (refusal,) = result.refusals
    assert refusal.startswith("400 not_json: The body is not JSON")
    buffer = SqliteBuffer(receiver.folder / ".fluents" / "buffer.sqlite")
    assert buffer.counts().received == 32
    buffer.close()


def test_nothing_to_send_asks_nobody() -> None:
    assert send([], "http://127.0.0.1:1/").answers.total() == 0


def test_one_connection_sends_in_order() -> None:
    bodies = [str(number).encode() for number in range(50)]
    with answering(lambda number, content: STORED) as (url, received):
        send(bodies, url, connections=1)
    assert received == bodies


def test_the_posts_of_a_lane_keep_their_order_over_several_connections() -> None:
    numbers = range(200)
    with answering(lambda number, content: STORED) as (url, received):
        posts = [Post(url, str(number).encode(), {}, lane=number % 7) for number in numbers]
        assert send_all(posts, connections=4).answers == Counter(stored=200)
    for lane in range(7):
        of_lane = [int(body) for body in received if int(body) % 7 == lane]
        assert of_lane == list(numbers)[lane::7]


def test_only_the_first_refusals_are_told() -> None:
    refused = (400, {}, b'{"error":"not_json","detail":"No."}')
    with answering(lambda number, content: refused) as (url, _):
        result = send([b"bad"] * 20, url, connections=1)
    assert result.answers == Counter(refused=20)
    assert result.refusals == ["400 not_json: No."] * SHOWN_REFUSALS


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[]", b"\xff"], ids=["empty", "HTML", "list", "bytes"]
)
def test_an_answer_that_is_not_ours_is_counted_all_the_same(content: bytes) -> None:
    with answering(lambda number, _: (200, {}, content)) as (url, _):
        assert send([b"{}"], url).answers == Counter(unknown=1)
    with answering(lambda number, _: (502, {}, content)) as (url, _):
        assert send([b"{}"], url).answers == Counter(refused=1)


@pytest.mark.parametrize(
    "retry_after",
    ["0", "-1", "Wed, 21 Oct 2015 07:28:00 GMT", "soon"],
    ids=["seconds", "negative", "date that has passed", "word"],
)
def test_a_503_is_tried_again_when_the_receiver_says(retry_after: str) -> None:
    busy = (503, {"Retry-After": retry_after}, b"")
    with answering(lambda number, content: busy if number == 1 else STORED) as (url, received):
        assert send([b"a"], url).answers == Counter(stored=1)
    assert received == [b"a", b"a"]


@pytest.mark.parametrize("status", [400, 408, 413, 429, 500, 502, 504])
def test_nothing_but_a_503_is_tried_again(status: int) -> None:
    answer = (status, {"Retry-After": "0"}, b"{}")
    with answering(lambda number, content: answer) as (url, received):
        assert send([b"a"], url).answers == Counter(refused=1)
    assert received == [b"a"]


def test_a_connection_that_breaks_is_not_tried_again() -> None:
    """Nobody knows whether the body was stored: whoever sends decides whether to send it again."""
    received: list[bytes] = []

    def break_each(server: socket.socket) -> None:
        with suppress(OSError):  # when the listening socket is shut down
            while True:
                connection, _ = server.accept()
                received.append(connection.recv(65536))
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        breaking = threading.Thread(target=break_each, args=(server,))
        breaking.start()
        with pytest.raises(SendError, match="cannot be reached"):
            send([b"a"], f"http://127.0.0.1:{server.getsockname()[1]}{PATH}")
        server.shutdown(socket.SHUT_RDWR)
        breaking.join()
    assert len(received) == 1


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [("7", 7.0), ("0", 0.0), ("9" * 99, 30.0), ("", 1.0), ("soon", 1.0)]
)
def test_the_wait_is_what_the_receiver_asks_for_up_to_a_limit(
    retry_after: str, seconds: float
) -> None:
    assert RETRIES.parse_retry_after(retry_after) == seconds


def test_a_receiver_that_stays_busy_has_refused() -> None:
    busy = (503, {"Retry-After": "0"}, b'{"error":"unavailable","detail":"Later."}')
    with answering(lambda number, content: busy) as (url, received):
        result = send([b"a"], url)
    assert result.answers == Counter(refused=1)
    assert result.refusals == ["503 unavailable: Later."]
    assert len(received) == TRIES


def test_a_404_stops_without_telling_the_token() -> None:
    with (
        answering(lambda number, content: (404, {}, b"{}")) as (url, received),
        pytest.raises(SendError, match="does not know the token") as raised,
    ):
        send([b"{}"] * 1000, url, connections=2)
    assert TOKEN not in str(raised.value)
    assert len(received) < 1000


def unused_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.parametrize(
    "base",
    [
        pytest.param("http://{unused}", id="nobody there"),
        pytest.param("http://no-such-host.invalid", id="unknown host"),
        pytest.param("ftp://127.0.0.1", id="another scheme"),
        pytest.param("", id="no host"),
        pytest.param("http://[", id="broken host"),
        pytest.param("http://user:password-of-a-proxy@{unused}", id="with a password"),
    ],
)
def test_a_receiver_out_of_reach_is_named_without_any_secret(base: str) -> None:
    with pytest.raises(SendError, match="cannot be reached") as raised:
        send([b"{}"], base.format(unused=unused_address()) + PATH)
    assert TOKEN not in str(raised.value)
    assert "password-of-a-proxy" not in str(raised.value)
    assert raised.value.__cause__ is None  # which would hold the URL
