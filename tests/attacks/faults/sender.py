"""Sends as Fluents would: over connections kept alive, again where no answer came.

One in four requests without an answer is given up, so that some bodies are really unknown.
Equal bodies are sent on purpose, some of them at the same moment on two connections.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable

from tests.attacks.faults.events import Answer, Sent, make, seeded
from tests.attacks.faults.oracle import Oracle
from tests.deliveries import TOKEN

PATH = f"/fluents/webhook/{TOKEN}"
TIMEOUT_SECONDS = 15.0
GIVEN_UP_SHARE = 0.25
REPEATED_SHARE = 0.06
TWIN_SHARE = 0.3  # of the repeated: sent on two connections at once
TRICKLE_SECONDS = 0.3  # where the faults have to catch up; the loader still needs something

_DELIVERY_ID = re.compile(r"in the quarantine as ([0-9a-f-]{36})")


class Sender:
    """Threads that send until stopped. `is_ahead(number)` slows them down."""

    def __init__(
        self,
        port: int,
        oracle: Oracle,
        *,
        seed: int,
        threads: int,
        is_ahead: Callable[[int], bool] = lambda number: False,
    ) -> None:
        self._port = port
        self._oracle = oracle
        self._is_ahead = is_ahead
        self._run = f"{seed:x}"
        self._rng = seeded("sender", seed)  # who repeats and gives up; bodies have their own
        self._lock = threading.Lock()
        self._number = 0
        self._repeats: deque[Sent] = deque(maxlen=2_000)
        self._twins: deque[Sent] = deque()
        self._stop = threading.Event()
        self._abandon = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float) -> bool:
        """Ends after the requests under way; False if they did not end in time."""
        self._stop.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._abandon.set()
        ended = not any(thread.is_alive() for thread in self._threads)
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS)
        return ended

    def send_one(self) -> Sent:
        """A fresh event, sent from this thread, whether the others are stopped or not."""
        self._abandon.clear()
        with self._lock:
            sent = self._make()
            while not sent.is_good:
                sent = self._make()
        timer = threading.Timer(TIMEOUT_SECONDS, self._abandon.set)
        timer.start()
        with _Connection(self._port) as connection:
            self._deliver(connection, sent, may_give_up=False)
        timer.cancel()
        return sent

    def _work(self) -> None:
        with _Connection(self._port) as connection:
            while not self._stop.is_set():
                number, sent = self._next()
                self._deliver(connection, sent)
                if self._is_ahead(number):
                    self._stop.wait(TRICKLE_SECONDS)

    def _next(self) -> tuple[int, Sent]:
        with self._lock:
            if self._twins:  # on the way on another connection at this moment
                self._oracle.count("repeats")
                return self._number, self._twins.popleft()
            if self._repeats and self._rng.random() < REPEATED_SHARE:
                self._oracle.count("repeats")
                return self._number, self._repeats[self._rng.randrange(len(self._repeats))]
            sent = self._make()
            if sent.is_good and self._rng.random() < REPEATED_SHARE:
                self._repeats.append(sent)
                if self._rng.random() < TWIN_SHARE:
                    self._twins.append(sent)
            return self._number, sent

    def _make(self) -> Sent:
        self._number += 1
        return make(self._number, self._run, seeded(self._run, self._number))

    def _deliver(self, connection: _Connection, sent: Sent, *, may_give_up: bool = True) -> None:
        first = True
        while not self._abandon.is_set():
            if not connection.open():
                time.sleep(0.01)
                continue
            if not first:
                self._oracle.count("retries")
            first = False
            self._oracle.attempt(sent)
            answer = connection.post(sent.body)
            if answer is None:
                self._oracle.unacknowledged(sent)
                if may_give_up and self._gives_up():
                    self._oracle.count("given up")
                    return
            elif answer[0] == 503:
                self._oracle.unavailable(sent)
                time.sleep(0.05)
            else:
                self._accept(sent, *answer)
                return

    def _gives_up(self) -> bool:
        with self._lock:
            return self._rng.random() < GIVEN_UP_SHARE

    def _accept(self, sent: Sent, status: int, text: str) -> None:
        try:
            answer = json.loads(text)
            if status == 200 and sent.is_good:
                self._oracle.acknowledge(
                    sent, Answer(answer["event_id"], answer.get("duplicate_of"))
                )
                return
            found = _DELIVERY_ID.search(answer["detail"])
            if status == 400 and not sent.is_good and found:
                self._oracle.acknowledge(sent, Answer(found[1], None))
                return
        except (ValueError, KeyError, TypeError):
            pass
        self._oracle.surprise(f"{status} {text[:200]} for {sent.body[:80]!r}")


class _Connection:
    """One connection, made again after each failure. Answers are read by their length.

    Plain sockets: the standard library's client takes as long as the receiver under attack.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *exception: object) -> None:
        self._close()

    def open(self) -> bool:
        """Whether there is a connection; nothing of a body is sent before there is."""
        if self._socket is None:
            try:
                self._socket = socket.create_connection(("127.0.0.1", self._port), TIMEOUT_SECONDS)
            except OSError:
                return False
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return True

    def post(self, body: bytes) -> tuple[int, str] | None:
        """The status and text of the answer, or None where none came."""
        assert self._socket is not None
        head = f"POST {PATH} HTTP/1.1\r\nHost: faults\r\nContent-Length: {len(body)}\r\n\r\n"
        try:
            self._socket.sendall(head.encode() + body)
            return self._answer(self._socket)
        except OSError:
            self._close()
            return None

    def _answer(self, connection: socket.socket) -> tuple[int, str]:
        got = b""
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += _received(connection)
        lines = got[:end].decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        whole = end + 4 + int(headers["content-length"])
        while len(got) < whole:
            got += _received(connection)
        if headers.get("connection") == "close":
            self._close()
        return int(lines[0].split()[1]), got[end + 4 : whole].decode()

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _received(connection: socket.socket) -> bytes:
    if part := connection.recv(65_536):
        return part
    raise ConnectionResetError("closed before the answer was whole")
