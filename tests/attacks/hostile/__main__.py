"""`python -m tests.attacks.hostile`: bad inputs to a real receiver, and how it took them.

Says how many were tried, how they were answered, and which took longest: first every bomb of
`tests.attacks.hostile.bombs`, plain and packed, then what `tests.attacks.hostile.inputs` makes of a
seed. Ends with status 1 if an answer was a 5xx, a worker died, or the receiver does not take a good
event any more.
"""

from __future__ import annotations

import argparse
import gzip
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from tests.attacks.hostile.bombs import BOMBS, MEGABYTE
from tests.attacks.hostile.inputs import Input, bad_inputs, request
from tests.deliveries import body
from tests.processes import Receiver

CONNECTIONS = 32  # most wait for a request that is cut short to be given up
REQUEST_SECONDS = 0.5
SHOWN = 12


@dataclass
class Outcome:
    """How a receiver took what it was sent. Status 0 is a connection closed without an answer."""

    statuses: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    slowest: list[tuple[float, str, int]] = field(default_factory=list)

    @property
    def tried(self) -> int:
        return self.statuses.total()

    @property
    def errors(self) -> int:
        """How many answers were a 5xx."""
        return sum(count for status, count in self.statuses.items() if status >= 500)

    def add(self, kind: str, seconds: float, status: int) -> None:
        self.statuses[status] += 1
        self.kinds[kind] += 1
        self.slowest = sorted([*self.slowest, (seconds, kind, status)], reverse=True)[:SHOWN]


def bombs(size: int) -> Iterator[Input]:
    """Each bomb as it is, and packed, as then a small request makes a large body."""
    for name, make in BOMBS.items():
        content = make(size)
        yield Input(name, request(content))
        packed = gzip.compress(content, 1)
        yield Input(f"{name}, gzip", request(packed, Content_Encoding="gzip"))


def attack(receiver: Receiver, inputs: Iterator[Input], *, connections: int = 1) -> Outcome:
    """Sends `inputs` over connections of their own, and waits for each answer."""
    outcome = Outcome()

    def send(input_: Input) -> tuple[str, float, int]:
        start = time.perf_counter()
        status = _send(receiver.port, input_.content)
        return input_.kind, time.perf_counter() - start, status

    with ThreadPoolExecutor(connections) as pool:
        while some := list(islice(inputs, connections * 16)):
            for answer in pool.map(send, some):
                outcome.add(*answer)
    return outcome


def _send(port: int, content: bytes) -> int:
    said = b""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        try:
            connection.sendall(content)
            while b"\r\n" not in said and (received := connection.recv(65536)):
                said += received
        except ConnectionError:
            pass  # closed before it was read to its end
    return int(said.split(b" ", 2)[1]) if said.startswith(b"HTTP/1.1 ") else 0


def _until(end: float, inputs: Iterator[Input]) -> Iterator[Input]:
    for input_ in inputs:
        if time.monotonic() > end:
            return
        yield input_


def _report(title: str, outcome: Outcome) -> None:
    answers = ", ".join(
        f"{count:,} of {status}" for status, count in sorted(outcome.statuses.items())
    )
    sys.stdout.write(f"{title}: bad inputs tried {outcome.tried:,}, 5xx {outcome.errors}\n")
    sys.stdout.write(f"  answers (0: closed without one): {answers}\n  slowest:\n")
    for seconds, kind, status in outcome.slowest:
        sys.stdout.write(f"  {seconds:7.3f} s  {status}  {kind}\n")


def trouble(receiver: Receiver) -> list[str]:
    """What the log says beyond that it started, and once a minute who was not let in."""
    lines = receiver.log.read_text().splitlines()
    expected = ('"event": "receiver_started"', '"event": "requests_refused"')
    return [line for line in lines if not any(event in line for event in expected)]


def main() -> int:
    """Attacks a receiver of its own, in a folder that it removes."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.hostile", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for the inputs of the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--megabytes", type=int, default=10, help="size of a bomb")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="fluents-hostile-") as folder,
        Receiver(Path(folder), request_seconds=REQUEST_SECONDS) as receiver,
    ):
        large = attack(receiver, bombs(options.megabytes * MEGABYTE))
        _report(f"Bombs of {options.megabytes} MB, one at a time", large)
        endless = _until(time.monotonic() + options.seconds, bad_inputs(options.seed))
        small = attack(receiver, endless, connections=CONNECTIONS)
        _report(f"Seed {options.seed}, {CONNECTIONS} connections", small)
        works = receiver.post(body("event_error", "still there")).status_code == 200
        quiet = trouble(receiver) == []
        if not quiet:
            sys.stdout.write(receiver.log.read_text())
    tried, errors = large.tried + small.tried, large.errors + small.errors
    good = works and quiet and not errors
    sys.stdout.write(f"bad inputs tried {tried:,}, 5xx {errors}: {'good' if good else 'BAD'}\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
