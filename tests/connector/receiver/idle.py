"""Idle connections of a stranger without a token, held while events come in.

By hand, for the figure of docs/deployment.md: python -m tests.connector.receiver.idle 5000
"""

from __future__ import annotations

import resource
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import requests

from tests.deliveries import body
from tests.processes import Receiver

HOUR = 3600.0
HALF = b"POST /fluents/webhook/wrong HTTP/1.1\r\nHost: a\r\nX-"
WHOLE = b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"


@contextmanager
def idle_connections(port: int, number: int) -> Iterator[list[socket.socket]]:
    """A third silent, a third with half a header, a third that stays after a 404."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = number + 512
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), max(hard, needed)))
    with ExitStack() as stack:
        held = []
        for each in range(number):
            connection = socket.create_connection(("127.0.0.1", port), timeout=60)
            held.append(stack.enter_context(connection))
            if each % 3:
                connection.sendall(HALF if each % 3 == 1 else WHOLE)
        for connection in held[2::3]:
            assert connection.recv(65536).startswith(b"HTTP/1.1 404 ")
        yield held
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def are_open(connections: list[socket.socket]) -> bool:
    """Whether the server has closed none."""
    for connection in connections:
        connection.setblocking(False)
        try:
            if connection.recv(1) == b"":
                return False
        except BlockingIOError:
            continue
        except ConnectionError:
            return False
    return True


def _measure(number: int) -> None:
    with tempfile.TemporaryDirectory() as folder, Receiver(Path(folder), header_seconds=HOUR) as it:
        tree = [psutil.Process(it.process.pid)]
        tree += tree[0].children(recursive=True)

        def events(first: int) -> str:
            slowest, start = 0.0, time.perf_counter()
            for each in range(first, first + 500):
                began = time.perf_counter()
                answer = requests.post(it.url, data=body("event_error", each), timeout=30)
                slowest = max(slowest, time.perf_counter() - began)
                assert answer.status_code == 200
            took = time.perf_counter() - start
            memory = sum(process.memory_info().rss for process in tree) / 2**20
            return f"500 events in {took:.2f} s, slowest {slowest * 1000:.0f} ms, {memory:.0f} MiB"

        print("without:", events(0))  # noqa: T201
        with idle_connections(it.port, number) as held:
            print(f"{number} idle:", events(1000), "all open:", are_open(held))  # noqa: T201


if __name__ == "__main__":
    _measure(int(sys.argv[1]))
