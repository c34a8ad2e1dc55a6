"""A staging buffer full of simulated deliveries, made quickly.

The rows are what the receiver would have stored. They are written in a few large transactions,
because a commit for each of two million deliveries is not what is measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from random import Random

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.delivery import Delivery, new_event_id, validate
from fluents_connector.settings import Settings
from fluents_connector.simulator import simulate
from tests.deliveries import START, TOKEN

EVERY_MICROSECONDS = 20_000  # 50 events a second, 4.3 million a day
ROWS = 50_000


def settings(folder: Path) -> Settings:
    """The defaults, with all files in `folder`."""
    return Settings(
        data_dir=folder / ".fluents",
        warehouse_path=folder / "fluents_warehouse.duckdb",
        webhooks={"main": TOKEN},
        buffer_keep_days=36500,  # the simulated receipts lie in the past
        publish_share=1,  # each load publishes
    )


def deliveries(seed: int = 0) -> Iterator[Delivery]:
    """Simulated deliveries without end, validated, 50 a second from 2026-01-01 on."""
    random = Random(seed)  # noqa: S311 # the same ids each time
    received_at = START
    for simulated in simulate(seed=seed):
        received_at += EVERY_MICROSECONDS
        yield validate(
            simulated.body,
            webhook="main",
            received_at=received_at,
            event_id=new_event_id(received_at, random.getrandbits(62)),
        )


def fill(path: Path, events: Iterable[Delivery]) -> None:
    """Adds deliveries to the buffer at `path`, which is made if it is not there."""
    events = iter(events)
    with closing(SqliteBuffer(path)) as buffer:
        while some := list(islice(events, ROWS)):
            buffer.append_all(some)
