"""`run --sql`: receiver, loader and SQL side by side, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import psutil
import pytest

from tests.deliveries import body
from tests.processes import Receiver, free_port
from tests.quack.conftest import TOKEN, ask, attach

pytestmark = pytest.mark.attack

CLIENTS = 8
# Three models and tables that a load changes one after the other: what one query reads of them
# belongs together.
CONSISTENT = (
    "select (select count(*) from fluents.events), (select count(*) from fluents.errors),"
    " (select sum(error_call_count)::bigint from analytics.calls_daily),"
    " (select count(*) from analytics.call_summary)"
)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Receiver]:
    port = free_port()
    with Receiver(
        tmp_path, "run", "--sql", "--every", "100ms", sql_port=port, sql_token=TOKEN
    ) as receiver:
        receiver.sql_uri = f"quack:localhost:{port}"
        yield receiver
        assert receiver.stop() == 0
    log = receiver.log.read_text()
    assert TOKEN not in log
    assert "sql_not_refreshed" not in log


def sql_process(receiver: Receiver) -> psutil.Process:
    (found,) = [
        child
        for child in psutil.Process(receiver.process.pid).children()
        if child.cmdline()[3] == "sql"
    ]
    return found


def loaded(client: duckdb.DuckDBPyConnection, count: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if ask(client, "select count(*) from fluents.events") == [(count,)]:
                return
        except duckdb.Error:  # nothing is published yet
            pass
        time.sleep(0.05)
    raise AssertionError(f"{count} events were never there")


def test_eight_clients_at_once_read_whole_loads_while_loads_go_on(running: Receiver) -> None:
    running.post(body("event_error", "first", call_id="call"))
    with attach(running.sql_uri) as client:
        loaded(client, 1)
    stop = threading.Event()
    counted: set[int] = set()  # what any of them read

    def read() -> list[tuple[int, ...]]:
        rows = []
        with attach(running.sql_uri) as client:
            while not stop.is_set():
                rows += ask(client, CONSISTENT)
                counted.add(rows[-1][0])
                ((events, payloads),) = client.execute(
                    "select count(*), count(payload) from w.fluents.events"
                ).fetchall()
                assert events == payloads
        return rows

    with ThreadPoolExecutor(CLIENTS) as pool:
        reading = [pool.submit(read) for _ in range(CLIENTS)]
        posted = 1
        deadline = time.monotonic() + 60
        while len(counted) <= 3 and time.monotonic() < deadline:
            posted += 1
            running.post(body("event_error", "x", call_id=f"call{posted}"))
            time.sleep(0.1)
        with attach(running.sql_uri) as client:
            loaded(client, posted)
        stop.set()
        answers = [future.result() for future in reading]
    for rows in answers:
        assert [row for row in rows if len(set(row)) > 1] == []
        counts = [row[0] for row in rows]
        assert counts == sorted(counts)
    assert len(counted) > 3, "no load while they read"


READ_AND_STOP = """
import sys, time, duckdb
from tests.quack.conftest import attach
client = attach(sys.argv[1])
sql = "select e.* from fluents.events e, range(200000)"
reader = client.execute("from w.query(?)", [sql]).fetch_record_batch(1000)
reader.read_next_batch()
print("reading", flush=True)
time.sleep(600)
"""


def test_a_client_that_is_killed_while_it_reads_holds_up_no_load(running: Receiver) -> None:
    running.post(body("event_error", "x", call_id="call0"))
    with attach(running.sql_uri) as client:
        loaded(client, 1)
        killed = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", READ_AND_STOP, running.sql_uri],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert killed.stdout is not None
        with killed.stdout:
            assert killed.stdout.readline() == b"reading\n"
        killed.kill()
        killed.wait()
        for number in range(1, 6):
            running.post(body("event_error", "x", call_id=f"call{number}"))
            loaded(client, number + 1)
    assert "load_failed" not in running.log.read_text()


def test_sql_that_dies_is_started_again_and_the_others_go_on(running: Receiver) -> None:
    others = {
        child.pid
        for child in psutil.Process(running.process.pid).children()
        if child.cmdline()[3] != "sql"
    }
    with attach(running.sql_uri):
        former = sql_process(running)
    former.kill()
    former.wait()
    assert running.post(body("event_error", "x", call_id="call")).status_code == 200
    with attach(running.sql_uri) as client:
        loaded(client, 1)
    assert sql_process(running).pid != former.pid
    assert others <= {child.pid for child in psutil.Process(running.process.pid).children()}
