"""Syncs fail, processes are killed, and then the power is cut: what was acknowledged is there."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from random import Random

import pytest

from fluents_connector.buffer import SqliteBuffer
from tests.attacks.disk import NO_SYNC, FaultyDisk
from tests.attacks.disk.power_cut import cut_power
from tests.deliveries import whole
from tests.processes import environment

pytestmark = pytest.mark.attack

APPENDS = """
import sys
from pathlib import Path
from fluents_connector.buffer import SqliteBuffer
from fluents_connector.errors import BufferUnavailable
from tests.deliveries import body, delivery
buffer = SqliteBuffer(Path(sys.argv[1]))
for line in sys.stdin:
    number = int(line)
    content = body("event_error", f"{number} " + "x" * 20_000)
    try:
        buffer.append(delivery(content, received_at=number, bits=number))
        print("stored", flush=True)
    except BufferUnavailable as error:
        print(error.__cause__.sqlite_errorname, flush=True)
"""


class Appender:
    """A process that appends to a buffer on a disk of which all is recorded."""

    def __init__(self, disk: FaultyDisk, path: Path) -> None:
        self._disk, self._path = disk, path
        self._numbers = count(1)
        self.stored: list[int] = []
        self.refused: list[int] = []
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", APPENDS, str(self._path)],
            env=environment(**self._disk.env, DISK_RECORD=str(self._disk.record)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def append(self, times: int) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        for _, number in zip(range(times), self._numbers, strict=False):
            print(number, file=self._process.stdin, flush=True)
            answer = self._process.stdout.readline().strip()
            assert answer in ("stored", "SQLITE_IOERR_FSYNC")
            (self.stored if answer == "stored" else self.refused).append(number)

    def is_dead(self) -> bool:
        return self._process.poll() is not None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def appender(disk: FaultyDisk, tmp_path: Path) -> Iterator[Appender]:
    appender = Appender(disk, tmp_path / "buffer.sqlite")
    yield appender
    appender.kill()


def there(path: Path) -> list[int]:
    """The numbers of what a buffer holds, which it counts right."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    with closing(SqliteBuffer(path)) as buffer:
        rows = whole(buffer).rows
        assert buffer.counts().received == buffer.counts().pending == len(rows)
    return [row[2] for row in rows]


def after_power_cut(disk: FaultyDisk, tmp_path: Path) -> list[int]:
    cut_power(disk.record, tmp_path / "after")
    return there(tmp_path / "after" / "buffer.sqlite")


def test_commits_after_a_failed_sync_survive_a_power_cut(
    disk: FaultyDisk, appender: Appender, tmp_path: Path
) -> None:
    appender.append(5)
    with disk.fails(NO_SYNC):
        appender.append(3)
    appender.append(5)
    appender.kill()
    assert appender.refused == [6, 7, 8]
    assert after_power_cut(disk, tmp_path) == appender.stored


def test_a_restart_after_a_failed_sync_puts_nothing_at_risk(
    disk: FaultyDisk, appender: Appender, tmp_path: Path
) -> None:
    appender.append(5)
    with disk.fails(NO_SYNC):
        appender.append(3)
        appender.kill()
    appender.start()
    appender.append(5)
    appender.kill()
    assert appender.refused == [6, 7, 8]
    assert after_power_cut(disk, tmp_path) == appender.stored
    assert there(tmp_path / "buffer.sqlite") == appender.stored


def test_a_checkpoint_that_cannot_sync_costs_nothing(
    disk: FaultyDisk, appender: Appender, tmp_path: Path
) -> None:
    appender.append(50)
    with disk.fails(NO_SYNC, on="buffer.sqlite"):
        appender.append(250)  # 6 pages each, and a checkpoint after 1,000
    appender.append(100)
    appender.kill()
    assert b"s -1 0 " in disk.record.read_bytes()
    assert appender.refused == []
    assert after_power_cut(disk, tmp_path) == appender.stored


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_failed_syncs_and_kills_loses_nothing_acknowledged(
    disk: FaultyDisk, appender: Appender, tmp_path: Path, seed: int
) -> None:
    rng = Random(seed)  # noqa: S311 # the same at each run
    for _ in range(12):
        on = rng.choice(["", "-wal", "buffer.sqlite"])
        appender.append(rng.randrange(1, 60))
        with disk.fails(NO_SYNC, on=on):
            appender.append(rng.randrange(4))
            if rng.random() < 0.5:
                appender.kill()
        if appender.is_dead():
            appender.start()
    appender.append(1)
    appender.kill()
    assert appender.refused
    assert after_power_cut(disk, tmp_path) == appender.stored
    assert there(tmp_path / "buffer.sqlite") == appender.stored
