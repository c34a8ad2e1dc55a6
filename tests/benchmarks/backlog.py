"""A staging buffer full of simulated deliveries, made quickly.

The rows are what the receiver would have stored. They are written in a few large transactions
without a sync, because a commit for each of two million deliveries is not what is measured.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from random import Random

from connector.buffer import SqliteBuffer
from connector.delivery import Delivery, judge, new_event_id
from connector.settings import Settings
from connector.simulator import simulate
from tests.deliveries import START, TOKEN

EVERY_MICROSECONDS = 20_000  # 50 events a second, 4.3 million a day
ROWS = 50_000

_INSERT = """
insert into deliveries
    (event_id, received_at, webhook, call_id, type, body, body_hash, duplicate_of)
values (?, ?, ?, ?, ?, ?, ?, ?)
"""


def settings(folder: Path) -> Settings:
    """The defaults, with all files in `folder`."""
    return Settings(
        data_dir=folder / ".fluents",
        warehouse_path=folder / "fluents_warehouse.duckdb",
        webhooks={"main": TOKEN},
        buffer_keep_days=36500,  # the simulated receipts lie in the past
    )


def deliveries(seed: int = 0) -> Iterator[Delivery]:
    """Simulated deliveries without end, judged, 50 a second from 2026-01-01 on."""
    random = Random(seed)  # noqa: S311 # the same ids each time
    received_at = START
    for simulated in simulate(seed=seed):
        received_at += EVERY_MICROSECONDS
        yield judge(
            simulated.body,
            webhook="main",
            received_at=received_at,
            event_id=new_event_id(received_at, random.getrandbits(62)),
        )


def fill(path: Path, events: Iterable[Delivery]) -> None:
    """Adds deliveries to the buffer at `path`, which is made if it is not there."""
    SqliteBuffer(path).close()
    events = iter(events)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("pragma synchronous = off")
        firsts: dict[bytes | None, str] = dict(
            connection.execute(
                "select body_hash, event_id from deliveries"
                " where body_hash is not null and duplicate_of is null"
            )
        )
        while some := list(islice(events, ROWS)):
            rows = [_row(delivery, firsts) for delivery in some]
            connection.execute("begin immediate")
            connection.executemany(_INSERT, rows)
            connection.execute(
                "update buffer set received = received + ?, duplicates = duplicates + ?",
                (len(rows), sum(row[-1] is not None for row in rows)),
            )
            connection.execute("commit")


def _row(delivery: Delivery, firsts: dict[bytes | None, str]) -> tuple[object, ...]:
    first = None
    if delivery.body_hash is not None:
        first = firsts.setdefault(delivery.body_hash, delivery.event_id)
    return (
        delivery.event_id,
        delivery.received_at,
        delivery.webhook,
        delivery.call_id,
        delivery.type,
        delivery.body,
        delivery.body_hash,
        None if first == delivery.event_id else first,
    )
