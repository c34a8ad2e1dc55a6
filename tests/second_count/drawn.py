"""Published warehouses of simulated and of odd calls over some weeks, loaded in two loads."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import Settings
from fluents_connector.simulator import simulate
from fluents_pipelines.load import Loader
from tests.deliveries import START, delivery
from tests.second_count.odd import OWN, odd_calls

WEBHOOKS = ("sales", "support", "night")
ODD_CALLS = 150
LATE_CALLS = 3  # on the newest day
TIME_ZONE = "Asia/Kathmandu"  # 5 hours and 45 minutes before UTC
_SECOND, _DAY = 1_000_000, 86_400_000_000
_MIDNIGHT = START - (5 * 60 + 45) * 60 * _SECOND


class Draw(NamedTuple):
    """What is drawn: so many deliveries of the simulator, over so many days of calls.

    Before the newest day, `quiet_days` have no calls. Where it is shuffled, the deliveries of a
    call come in any order, one in six comes again, up to a day later and perhaps to another
    webhook, and there are odd calls. `moves_to` is a time zone that is set when all is loaded.
    """

    seed: int
    events: int
    days: int
    quiet_days: int = 0
    is_shuffled: bool = False
    moves_to: str = ""


def warehouse(folder: Path, draw: Draw) -> Settings:
    """Loads what is drawn in two loads, and returns the settings of the published warehouse."""
    random = Random(draw.seed)  # noqa: S311 # a seed, not a secret
    sent = list(islice(simulate(seed=draw.seed), draw.events))
    begin: dict[str, int] = {}
    webhook: dict[str, str] = {}
    arrivals = []
    for place, one in enumerate(sent):
        if one.call_id not in begin:
            is_late = len(begin) < LATE_CALLS
            day = draw.days - 1 if is_late else random.randrange(draw.days - 1 - draw.quiet_days)
            begin[one.call_id] = _within(day, random) - place * 400_000
            webhook[one.call_id] = random.choice(WEBHOOKS)
        at = begin[one.call_id] + place * 400_000
        if draw.is_shuffled:
            at += random.randrange(1_800 * _SECOND)
            if random.random() < 1 / 6:
                again = at + random.randrange(_DAY)
                arrivals.append((again, one.body, random.choice(WEBHOOKS)))
        arrivals.append((at, one.body, webhook[one.call_id]))
    for bodies in odd_calls(random, ODD_CALLS if draw.is_shuffled else 0):
        at = _within(random.randrange(draw.days - 1 - draw.quiet_days), random)
        label = random.choice(WEBHOOKS)
        arrivals += [(at + random.randrange(600 * _SECOND), body, label) for body in bodies]
    arrivals.sort()
    settings = Settings(
        data_dir=folder / "data",
        warehouse_path=folder / "published.duckdb",
        buffer_keep_days=36500,  # the deliveries lie in the past
        publish_share=1,
        time_zone=TIME_ZONE,
        agents={**_agents(one.body for one in sent), "night": "Nadia", OWN: "Ada"},
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
    if draw.moves_to:
        settings = settings.model_copy(update={"time_zone": draw.moves_to})
        with Loader(settings) as loader:
            loader.load()
    return settings


def _within(day: int, random: Random) -> int:
    """A time of a day of `TIME_ZONE`, from 0, that leaves room for a call before midnight."""
    return _MIDNIGHT + day * _DAY + random.randrange(80_000) * _SECOND


def _agents(bodies: Iterable[bytes]) -> dict[str, str]:
    """Names for every other number on our side."""
    own = set()
    for event in map(json.loads, bodies):
        if event.get("is_outgoing") is not None:
            own.add(event.get("from_number" if event["is_outgoing"] else "to_number"))
    numbers = sorted(filter(None, own))[::2]
    return {number: ("Ada", "Ben", "Cleo")[place % 3] for place, number in enumerate(numbers)}
