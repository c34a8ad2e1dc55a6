"""Foreign files, locks, kills and many writers at once: nothing acknowledged is lost."""

from __future__ import annotations

import json
import multiprocessing
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.buffer.sqlite.file import USER_VERSION
from fluents_connector.errors import BufferRefused, BufferUnavailable
from tests.connector.buffer.test_sqlite_buffer import GOOD
from tests.deliveries import body, delivery, whole
from tests.processes import environment

PROCESSES, THREADS, EACH = 2, 16, 5
ROUNDS = 100


def sqlite_file(path: Path, *statements: str) -> bytes:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path.read_bytes()


def newer_buffer(path: Path) -> bytes:
    SqliteBuffer(path).close()
    return sqlite_file(path, f"pragma user_version = {USER_VERSION + 1}")


def written(content: bytes) -> Callable[[Path], bytes]:
    return lambda path: content if path.write_bytes(content) else b""


FOREIGN = {
    "text": (written(b"not a database " * 100), "not a staging buffer.*buffer_path"),
    "short": (written(b"x"), "not a staging buffer.*buffer_path"),
    "cut header": (written(b"SQLite format 3\0" + b"\0" * 83), "not a staging.*buffer_path"),
    "other database": (
        lambda path: sqlite_file(path, "create table t (a)"),
        "of another program.*buffer_path",
    ),
    "newer format": (newer_buffer, "newer fluents-warehouse.*Install the newer version"),
}


@pytest.mark.parametrize(("make", "message"), FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_refused_and_left_unchanged(
    tmp_path: Path, make: Callable[[Path], bytes], message: str
) -> None:
    path = tmp_path / "buffer.sqlite"
    content = make(path)
    with pytest.raises(BufferRefused, match=f"{path}.*{message}"):
        SqliteBuffer(path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_refused_and_left_unchanged(tmp_path: Path) -> None:
    with pytest.raises(BufferRefused, match="buffer_path"):
        SqliteBuffer(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_commit_that_fails_stores_nothing_for_any_that_waits(buffer: SqliteBuffer) -> None:
    buffer._file._writer.execute("pragma busy_timeout = 100")

    def append(bits: int) -> str | None:
        try:
            return buffer.append(delivery(GOOD[bits % 5], bits=bits)).event_id
        except BufferUnavailable as error:
            return str(error) if "Nothing was stored" not in str(error) else None

    with closing(sqlite3.connect(buffer.path, isolation_level=None)) as other:
        other.execute("begin immediate")
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(append, range(16))) == [None] * 16
        with pytest.raises(BufferUnavailable):
            buffer.check()
        assert buffer.counts().received == 0  # readers do not wait
        with closing(SqliteBuffer(buffer.path)) as second:  # nor does who opens it, as `status`
            assert second.counts().received == 0
        other.execute("rollback")
    buffer.check()
    assert append(0) is not None
    assert (buffer.counts().received, buffer.counts().last_position) == (1, 1)


def test_a_damaged_buffer_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "buffer.sqlite"
    SqliteBuffer(path).close()
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * 4000)
    with pytest.raises(BufferUnavailable, match=r"buffer\.sqlite cannot be used"):
        SqliteBuffer(path)


def test_a_closed_buffer_is_unavailable(buffer: SqliteBuffer) -> None:
    buffer.close()
    for use in (buffer.check, buffer.counts, lambda: buffer.append(delivery(GOOD[0]))):
        with pytest.raises(BufferUnavailable):
            use()


def in_processes(target: Callable[..., None], *arguments: Any) -> None:
    """Runs `target` with `arguments` and its own number in each process, to its end."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    processes = [
        context.Process(target=target, args=(*arguments, number, barrier))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * PROCESSES


def open_new_buffers(folder: Path, process: int, barrier: Barrier) -> None:
    try:
        for number in range(ROUNDS):
            barrier.wait(60)
            SqliteBuffer(folder / f"{number}.sqlite").close()
    except BufferUnavailable:
        barrier.abort()  # the other process would wait for this one
        raise


def test_processes_that_start_together_may_all_make_the_buffer(tmp_path: Path) -> None:
    in_processes(open_new_buffers, tmp_path)


def append_from_threads(path: Path, process: int, barrier: Barrier) -> None:
    """Appends `EACH` bodies of its own and one that all threads share, from each thread."""
    barrier.wait(60)
    buffer = SqliteBuffer(path)

    def append(thread: int) -> None:
        number = process * THREADS + thread
        for index in range(EACH):
            buffer.append(delivery(body("event_error", [number, index]), bits=number))
        buffer.append(delivery(body("event_error", "shared"), bits=number))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(append, range(THREADS)))
    buffer.close()


def test_appends_of_many_threads_and_processes_are_all_there_once(tmp_path: Path) -> None:
    path = tmp_path / "buffer.sqlite"
    SqliteBuffer(path).close()
    in_processes(append_from_threads, path)
    writers = PROCESSES * THREADS
    with closing(SqliteBuffer(path)) as buffer:
        rows = whole(buffer).rows
        counts = buffer.counts()
    assert [row.position for row in rows] == list(range(1, writers * (EACH + 1) + 1))
    payloads = [json.loads(row.body or b"")["payload"] for row in rows]
    own = [tuple(payload) for payload in payloads if payload != "shared"]
    assert sorted(own) == [(number, index) for number in range(writers) for index in range(EACH)]
    shared = [row for row, payload in zip(rows, payloads, strict=True) if payload == "shared"]
    assert [row.duplicate_of for row in shared] == [None] + [shared[0].event_id] * (writers - 1)
    assert (counts.received, counts.duplicates) == (len(rows), writers - 1)


APPENDS = """
import sys, threading
from pathlib import Path
from fluents_connector.buffer import SqliteBuffer
from fluents_connector.delivery import judge
buffer = SqliteBuffer(Path(sys.argv[1]))
def append(thread):
    for number in range(100_000):
        event_id = f"{thread}-{number}"
        content = b'{"call_id":"%d","type":"event_error","payload":%d}' % (thread, number)
        judged = judge(content, webhook="main", received_at=number, event_id=event_id)
        sys.stdout.write(buffer.append(judged).event_id + "\\n")
        sys.stdout.flush()
for thread in range(4):
    threading.Thread(target=append, args=(thread,)).start()
"""


@pytest.mark.parametrize("acknowledged", [1, 50, 200])
def test_a_killed_process_loses_nothing_that_it_acknowledged(
    tmp_path: Path, acknowledged: int
) -> None:
    path = tmp_path / "buffer.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", APPENDS, path], stdout=subprocess.PIPE, text=True, env=environment()
    ) as child:
        assert child.stdout
        lines = list(islice(child.stdout, acknowledged))
        child.send_signal(signal.SIGKILL)
        lines += child.stdout.readlines()
    printed = {line.strip() for line in lines if line.endswith("\n")}
    with closing(SqliteBuffer(path)) as buffer:
        there = [str(row[1]) for row in whole(buffer).rows]
        assert buffer.counts().received == len(there)
        buffer.append(delivery(b"bad"))
    assert printed <= set(there)
    assert len(there) == len(set(there)) <= len(printed) + 8  # stored, but not yet printed
