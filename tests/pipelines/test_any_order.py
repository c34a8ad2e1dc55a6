"""The tables are a function of the set of deliveries: any order, splits and repetition of loads.

A delivery's id and time of receipt are part of it. Its order of arrival decides one thing only,
by design: which of several equal bodies is the first, and so which of them are duplicates. With
that the same, every column of every table is the same, but for where a row came from.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.delivery import Delivery
from fluents_connector.settings import Settings
from fluents_pipelines.load import Loader
from tests.deliveries import START, TOKEN, delivery
from tests.pipelines.bodies import ANY
from tests.pipelines.profiles import examples
from tests.pipelines.reference import COLUMNS, Rows, published

pytestmark = pytest.mark.attack

EVERYTHING = 25_000


class Part(NamedTuple):
    """Deliveries that one load takes, in batches of so many, and what happens after it."""

    deliveries: list[Delivery]
    batch_rows: int = EVERYTHING
    happens: str = "nothing"


def arrivals(rng: Random) -> list[Part]:
    """Deliveries as they arrive: their times of receipt, which may be equal, do not tell when."""
    deliveries = [
        delivery(
            rng.choice(ANY),
            received_at=START + rng.randrange(60) * 1_000_000,
            bits=rng.getrandbits(60),
            webhook=rng.choice("ab"),
        )
        for _ in range(rng.randrange(40, 80))
    ]
    cuts = sorted(rng.sample(range(1, len(deliveries)), rng.randrange(1, 3)))
    return [
        Part(
            deliveries[first:last],
            rng.choice((19, EVERYTHING)),
            rng.choice(("dlt's folder lost", *HAPPENS)),
        )
        for first, last in zip((0, *cuts), (*cuts, len(deliveries)), strict=True)
    ]


HAPPENS = {
    "nothing": lambda buffer, loader: None,
    "confirmation lost": lambda buffer, loader: buffer.confirm(0),
    "warehouse forgets its loads": lambda buffer, loader: loader._warehouse.connection.execute(
        "delete from fluents.loads"
    ),
    "another buffer_id": lambda buffer, loader: buffer.renew(),
}


def load_all(folder: Path, parts: Iterable[Part]) -> dict[str, Rows]:
    """What is published in the end; buffer and loader are opened again for each part."""
    settings = Settings(
        data_dir=folder / "data",
        warehouse_path=folder / "published.duckdb",
        webhooks={"main": TOKEN},
        buffer_keep_days=36500,  # the deliveries were received in the past
    )
    for part in [*parts, Part([])]:
        own = settings.model_copy(update={"batch_rows": part.batch_rows})
        with closing(SqliteBuffer(settings.buffer_file)) as buffer, Loader(own) as loader:
            for one in part.deliveries:
                buffer.append(one)
            loader.load()
            counts = buffer.counts()
            assert counts.pending == 0
            assert counts.received == counts.loaded + counts.duplicates + counts.quarantined
            HAPPENS.get(part.happens, HAPPENS["nothing"])(buffer, loader)
        if part.happens == "dlt's folder lost":
            shutil.rmtree(settings.data_dir / "dlt")
    return published(settings.warehouse_path)


def firsts_first(deliveries: list[Delivery]) -> list[Delivery]:
    """By time of receipt, but what arrived first of equal bodies before what repeats it."""
    first_of = {one.body_hash: one.event_id for one in reversed(deliveries)}

    def repeats(one: Delivery) -> bool:
        return one.body_hash is not None and first_of[one.body_hash] != one.event_id

    return sorted(deliveries, key=lambda one: (repeats(one), one.event_id))


@examples(4)
@given(st.randoms(use_true_random=True))  # seeded by Hypothesis: each example is a rich one
def test_any_order_splits_and_repetition_of_loads_give_the_tables_of_one_batch(
    rng: Random,
) -> None:
    parts = arrivals(rng)
    deliveries = [one for part in parts for one in part.deliveries]
    with TemporaryDirectory() as folder:
        found = load_all(Path(folder), parts)
    with TemporaryDirectory() as folder:
        in_one_batch = load_all(Path(folder), [Part(firsts_first(deliveries))])
    for table, rows in in_one_batch.items():
        assert found[table] == rows, table

    # whatever the order: each delivery is there, and each recognised body counts once
    events = [one for one in deliveries if one.reason is None]
    bodies = Counter(one.body_hash or one.event_id for one in events)
    assert len(found["events"]) == len(events)
    duplicate_of = COLUMNS["events"].index("duplicate_of")
    assert sum(row[duplicate_of] is None for row in found["events"]) == len(bodies)
    assert len(found["quarantine"]) == len(deliveries) - len(events)
