"""Many writers at once, and kills: nothing acknowledged is lost."""

from __future__ import annotations

import base64
import json
import multiprocessing
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest

from fluents_connector.buffer import BufferStore
from fluents_connector.errors import BufferUnavailable
from tests.contract.buffer.implementations import Place
from tests.deliveries import body, delivery, whole
from tests.processes import environment

PROCESSES, THREADS, EACH = 2, 16, 5
ROUNDS = 100


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


def open_new_buffers(stores: list[BufferStore], process: int, barrier: Barrier) -> None:
    try:
        for store in stores:
            barrier.wait(60)
            store.open().close()
    except BufferUnavailable:
        barrier.abort()  # the other process would wait for this one
        raise


@pytest.mark.attack
def test_processes_that_start_together_may_all_make_the_buffer(
    new_place: Callable[[], Place],
) -> None:
    stores = [new_place()() for _ in range(ROUNDS)]
    in_processes(open_new_buffers, stores)
    assert all(store.exists() for store in stores)


def append_from_threads(store: BufferStore, process: int, barrier: Barrier) -> None:
    """Appends `EACH` bodies of its own and one that all threads share, from each thread."""
    barrier.wait(60)
    buffer = store.open()

    def append(thread: int) -> None:
        number = process * THREADS + thread
        for index in range(EACH):
            buffer.append(delivery(body("event_error", [number, index]), bits=number))
        buffer.append(delivery(body("event_error", "shared"), bits=number))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(append, range(THREADS)))
    buffer.close()


def test_appends_of_many_threads_and_processes_are_all_there_once(store: BufferStore) -> None:
    store.open().close()
    in_processes(append_from_threads, store)
    writers = PROCESSES * THREADS
    with closing(store.open()) as buffer:
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
import base64, pickle, sys, threading
from fluents_connector.delivery import validate
buffer = pickle.loads(base64.b64decode(sys.argv[1])).open()
def append(thread):
    for number in range(100_000):
        event_id = f"{thread}-{number}"
        content = b'{"call_id":"%d","type":"event_error","payload":%d}' % (thread, number)
        validated = validate(content, webhook="main", received_at=number, event_id=event_id)
        sys.stdout.write(buffer.append(validated).event_id + "\\n")
        sys.stdout.flush()
for thread in range(4):
    threading.Thread(target=append, args=(thread,)).start()
"""


@pytest.mark.parametrize("acknowledged", [1, 50, 200])
def test_a_killed_process_loses_nothing_that_it_acknowledged(
    store: BufferStore, acknowledged: int
) -> None:
    pickled = base64.b64encode(pickle.dumps(store))
    with subprocess.Popen(
        [sys.executable, "-c", APPENDS, pickled],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as child:
        assert child.stdout
        lines = list(islice(child.stdout, acknowledged))
        child.send_signal(signal.SIGKILL)
        lines += child.stdout.readlines()
    printed = {line.strip() for line in lines if line.endswith("\n")}
    with closing(store.open()) as buffer:
        there = [row.event_id for row in whole(buffer).rows]
        assert buffer.counts().received == len(there)
        buffer.append(delivery(b"bad"))
    assert printed <= set(there)
    assert len(there) == len(set(there)) <= len(printed) + 8  # stored, but not yet printed
