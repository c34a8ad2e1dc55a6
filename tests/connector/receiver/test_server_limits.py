"""Slow, huge and odd requests cost a connection at most: the real server goes on serving."""

from __future__ import annotations

import resource
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.receiver.connections import connections_of_a_worker, raise_file_limit
from tests.connector.receiver.idle import are_open, idle_connections
from tests.deliveries import TOKEN, body
from tests.processes import START_SECONDS, Receiver

pytestmark = pytest.mark.attack

GOOD = body("event_error", "x" * 1000)
DEFAULT_LIMIT = 10 * 1024**2  # max_body_bytes
HOUR = 3600.0  # longer than any test waits


@contextmanager
def connected(receiver: Receiver) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=60) as connection:
        yield connection


def rest(connection: socket.socket) -> bytes:
    """All that the server says until it closes the connection, or resets it."""
    said = b""
    try:
        while received := connection.recv(65536):
            said += received
    except ConnectionResetError:
        pass
    return said


def head(token: str = TOKEN, **fields: object) -> bytes:
    lines = [f"POST /fluents/webhook/{token} HTTP/1.1", "Host: a"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver with a single request thread, that waits a second for a request."""
    folder = tmp_path_factory.mktemp("impatient")
    with Receiver(folder, workers=1, threads=1, request_seconds=1.0) as running:
        yield running


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver with a single request thread, that waits an hour for a request."""
    folder = tmp_path_factory.mktemp("patient")
    patience = {"request_seconds": HOUR, "header_seconds": HOUR}
    with Receiver(folder, workers=1, threads=1, **patience) as running:
        yield running


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"POST /fluents", id="half a line"),
        pytest.param(head()[:-2], id="headers that do not end"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", id="nothing after an answer"),
    ],
)
def test_a_connection_that_sends_no_request_is_closed(impatient: Receiver, start: bytes) -> None:
    with connected(impatient) as connection:
        connection.sendall(start)
        rest(connection)
    assert impatient.post(GOOD).status_code == 200


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(head(Content_Length=len(GOOD)), id="no body"),
        pytest.param(head(Content_Length=len(GOOD)) + GOOD[:-1], id="a byte missing"),
        pytest.param(head(Transfer_Encoding="chunked") + b"5\r\n{\r\n", id="half a chunk"),
        pytest.param(head(Transfer_Encoding="chunked") + b"1\r\n{\r\n", id="no last chunk"),
    ],
)
def test_a_body_that_does_not_come_is_given_up_and_stores_nothing(
    impatient: Receiver, start: bytes
) -> None:
    with connected(impatient) as connection:
        connection.sendall(start)
        said = rest(connection)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b'"error":"request_timeout"' in said
    assert impatient.post(GOOD).status_code == 200  # its only thread is free again


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize(
    "start",
    [
        pytest.param(head(Content_Length=len(GOOD)) + GOOD[:-1], id="a byte missing"),
        pytest.param(head(Transfer_Encoding="chunked") + b"5\r\n{\r\n", id="half a chunk"),
        pytest.param(head(Transfer_Encoding="chunked") + b"1\r\n{\r\n", id="no last chunk"),
        pytest.param(head(Content_Length=len(GOOD)) + GOOD, id="all, but no wait for the answer"),
    ],
)
def test_a_sender_that_goes_away_makes_no_error(
    impatient: Receiver, start: bytes, reset: bool
) -> None:
    with connected(impatient) as connection:
        if reset:
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.sendall(start)
    assert impatient.post(GOOD).status_code == 200  # by its only thread, so the other has ended
    assert len(impatient.log.read_text().splitlines()) == 1  # that it started


def test_of_a_chunked_body_that_is_cut_off_what_came_is_kept_in_the_quarantine(
    impatient: Receiver,
) -> None:
    with closing(SqliteBuffer(impatient.folder / ".fluents" / "buffer.sqlite")) as buffer:
        before = buffer.counts().quarantined
        with connected(impatient) as connection:
            connection.sendall(head(Transfer_Encoding="chunked") + b"8\r\n{cut off")
        deadline = time.monotonic() + START_SECONDS
        while buffer.counts().quarantined == before:
            assert time.monotonic() < deadline, "it is not there"
            time.sleep(0.02)
        (newest,) = buffer.quarantined(1)
    assert (newest.reason, newest.body) == ("not_json", b"{cut off")


def test_a_body_that_comes_in_drops_is_given_up(impatient: Receiver) -> None:
    with connected(impatient) as connection:
        connection.sendall(head(Content_Length=10**6))
        connection.settimeout(0.05)
        said = b""
        while not said:
            try:
                connection.sendall(b" ")
                said = connection.recv(65536)
            except TimeoutError:
                continue
    assert said.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("start", "status"),
    [
        pytest.param(head("wrong", Content_Length=1000), 404, id="wrong token"),
        pytest.param(head("wrong", Transfer_Encoding="chunked"), 404, id="wrong token, chunked"),
        pytest.param(head(Content_Length=10**12), 413, id="a body that is too large"),
    ],
)
def test_nobody_waits_for_a_body_that_will_not_be_kept(
    patient: Receiver, start: bytes, status: int
) -> None:
    with connected(patient) as connection:
        connection.sendall(start)
        assert connection.recv(65536).startswith(f"HTTP/1.1 {status} ".encode())
        assert patient.post(GOOD).status_code == 200  # while the sender is still there


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_sender_of_too_large_a_body_can_send_it_whole_before_the_answer(
    patient: Receiver, is_chunked: bool
) -> None:
    size = DEFAULT_LIMIT + 3_000_000
    start = head(Transfer_Encoding="chunked") if is_chunked else head(Content_Length=size)
    content = b" " * size
    if is_chunked:
        content = f"{size:x}\r\n".encode() + content + b"\r\n0\r\n\r\n"
    with connected(patient) as connection:
        connection.sendall(start)
        for place in range(0, len(content), 100_000):  # an early answer and close would reset this
            connection.sendall(content[place : place + 100_000])
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("request_", "statuses"),
    [
        pytest.param(head(X_Big="x" * 1_000_000), [431], id="a header of 1 MB"),
        pytest.param(head(**{f"X-{n}": n for n in range(1000)}), [431], id="1,000 headers"),
        pytest.param(
            b"POST /" + b"x" * 1_000_000 + b" HTTP/1.1\r\n\r\n", [414, 431], id="a long URL"
        ),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 505], id="HTTP/2"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", [400], id="TLS"),
        pytest.param(b"\x00" * 100, [400], id="NUL"),
        pytest.param(head(Content_Length=-1), [400], id="negative length"),
        pytest.param(head(Content_Length="1, 2"), [400], id="two lengths"),
        pytest.param(head(Transfer_Encoding="gzip"), [400], id="unknown transfer encoding"),
        pytest.param(b"POST / HTTP/1.1\r\nHost : a\r\n\r\n", [400], id="space before colon"),
    ],
)
def test_what_is_no_request_is_refused_and_closed(
    impatient: Receiver, request_: bytes, statuses: list[int]
) -> None:
    with connected(impatient) as connection:
        with suppress(ConnectionError):  # it need not read to the end
            connection.sendall(request_)
        said = rest(connection)
    assert said == b"" or int(said.split(b" ")[1]) in statuses
    assert impatient.post(GOOD).status_code == 200


@pytest.mark.parametrize("path", ["fluents/webhook/wrong", "nowhere"])
def test_a_response_before_the_body_says_that_the_connection_is_closed(
    receiver: Receiver, path: str
) -> None:
    """Who is not told sends the next delivery into a connection that is being closed.

    In one of a hundred of these the server closed it and had not said so.
    """
    request = f"POST /{path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n".encode()
    for number in range(600):
        with connected(receiver) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(request)
            time.sleep(number % 60 * 2e-5)
            with suppress(ConnectionError):
                connection.sendall(b"{}")
            said = rest(connection)
        assert said == b"" or b"\r\nconnection: close\r\n" in said.lower()


def test_a_refused_request_without_a_body_leaves_its_connection_open(receiver: Receiver) -> None:
    request = b"POST /fluents/webhook/wrong HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    with connected(receiver) as connection:
        for _ in range(3):
            connection.sendall(request)
            assert connection.recv(65536).startswith(b"HTTP/1.1 404 ")


def test_a_forged_header_with_underscores_does_not_replace_that_of_the_proxy(
    tmp_path: Path,
) -> None:
    settings = {"trusted_proxies": 1, "metrics_networks": ["203.0.113.0/24"]}
    with Receiver(tmp_path, workers=1, **settings) as receiver:

        def status(*forwarded: str) -> int:
            with connected(receiver) as connection:
                lines = [
                    "GET /metrics HTTP/1.1",
                    "Host: a",
                    "Connection: close",
                    *forwarded,
                    "",
                    "",
                ]
                connection.sendall("\r\n".join(lines).encode())
                return int(rest(connection).split(b" ")[1])

        forged, true = "X_Forwarded_For: 203.0.113.9", "X-Forwarded-For: 192.0.2.1"
        assert status(true) == 404
        assert status(true, forged) == 404
        assert status(forged, true) == 404
        assert status(forged) == 404
        # several headers are one list, in which the proxy's entry comes last
        assert status("X-Forwarded-For: 203.0.113.9", true) == 404
        assert status("X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 203.0.113.9") == 200


def test_idle_connections_of_strangers_keep_no_event_out(tmp_path: Path) -> None:
    """More than granian's own limit for two workers, 1,024; each event has a new connection."""
    with (
        Receiver(tmp_path, workers=2, header_seconds=HOUR, request_seconds=HOUR) as receiver,
        idle_connections(receiver.port, 1500) as held,
    ):
        for number in range(20):
            close = {"Connection": "close"}
            assert receiver.post(body("event_error", number), headers=close).status_code == 200
        assert are_open(held)


def test_headers_have_a_shorter_time_than_bodies(tmp_path: Path) -> None:
    with (
        Receiver(tmp_path, workers=1, header_seconds=1.0, request_seconds=HOUR) as receiver,
        connected(receiver) as silent,
        connected(receiver) as sender,
    ):
        sender.sendall(head(Content_Length=len(GOOD)))
        assert rest(silent) == b""
        sender.sendall(GOOD)
        assert sender.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "limits", [pytest.param((1024, 20_000), id="usual"), pytest.param((400, 400), id="few")]
)
def test_a_worker_holds_as_many_connections_as_it_may_open_files(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int]
) -> None:
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, to: raised.append(to))
    assert connections_of_a_worker(raise_file_limit()) == min(16_384, limits[1] - 256)
    assert raised == ([] if limits[0] == limits[1] else [(limits[1], limits[1])])


def test_http_1_0_is_answered_as_nginx_speaks_it(receiver: Receiver) -> None:
    with connected(receiver) as connection:
        fields = head(Content_Length=len(GOOD)).replace(b"HTTP/1.1", b"HTTP/1.0")
        connection.sendall(fields + GOOD)
        said = rest(connection)  # closed after the answer
    assert said.split(b" ")[1] == b"200"
