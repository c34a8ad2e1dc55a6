"""Published warehouses of simulated calls over ten weeks, loaded in drawn batches."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from random import Random

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import Settings
from fluents_connector.simulator import simulate
from fluents_pipelines.load import Loader
from tests.deliveries import START, delivery

WEBHOOKS = ("sales", "support", "night")
DAYS = 70
_DAY, _SECOND = 86_400_000_000, 1_000_000


def warehouse(folder: Path, seed: int, events: int, *, is_shuffled: bool = False) -> Settings:
    """Loads `events` deliveries of the simulator, and returns the settings of the warehouse.

    Each call begins at a time of its own. Where it is shuffled, the deliveries of a call come in
    any order, and one in six comes again, up to a day later and perhaps to another webhook.
    """
    random = Random(seed)  # noqa: S311 # a seed, not a secret
    sent = list(islice(simulate(seed=seed), events))
    begin: dict[str, int] = {}
    webhook: dict[str, str] = {}
    arrivals = []
    for place, one in enumerate(sent):
        if one.call_id not in begin:
            at = random.randrange(DAYS) * _DAY + random.randrange(86_400) * _SECOND
            begin[one.call_id] = START + at - place * 400_000
            webhook[one.call_id] = random.choice(WEBHOOKS)
        at = begin[one.call_id] + place * 400_000
        if is_shuffled:
            at += random.randrange(1_800 * _SECOND)
            if random.random() < 1 / 6:
                again = at + random.randrange(_DAY)
                arrivals.append((again, one.body, random.choice(WEBHOOKS)))
        arrivals.append((at, one.body, webhook[one.call_id]))
    arrivals.sort()
    settings = Settings(
        data_dir=folder / "data",
        warehouse_path=folder / "published.duckdb",
        buffer_keep_days=36500,  # the deliveries lie in the past
        publish_share=1,
        time_zone="Asia/Kathmandu",  # 5 hours and 45 minutes before UTC
        agents={**_agents(one.body for one in sent), "night": "Nadia"},
        cost_per_minute={"default": 0.1, "inbound": 0.07, "Nadia": 0.25},
    )
    buffer = SqliteBuffer(settings.buffer_file)
    cut = random.randrange(len(arrivals) // 10, len(arrivals))
    with Loader(settings) as loader:
        for part in (arrivals[:cut], arrivals[cut:]):
            buffer.append_all(
                delivery(body, received_at=at, webhook=label, bits=number)
                for number, (at, body, label) in enumerate(part)
            )
            loader.load()
    buffer.close()
    return settings


def _agents(bodies: Iterable[bytes]) -> dict[str, str]:
    """Names for every other number on our side."""
    own = set()
    for event in map(json.loads, bodies):
        if event.get("is_outgoing") is not None:
            own.add(event.get("from_number" if event["is_outgoing"] else "to_number"))
    numbers = sorted(filter(None, own))[::2]
    return {number: ("Ada", "Ben", "Cleo")[place % 3] for place, number in enumerate(numbers)}
