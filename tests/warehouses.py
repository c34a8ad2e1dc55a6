"""Published warehouses for dashboard and notebook: empty, a week of simulated calls, hostile."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from random import Random

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import Settings
from fluents_connector.simulator import simulate
from fluents_pipelines.load import Loader
from tests.deliveries import START, body, delivery

HOSTILE = (
    '<img src="https://evil.invalid/a.png" onerror="document.title=1">'
    "<script>document.title='owned'</script> **bold** [link](https://evil.invalid) $x^2$"
)
HOSTILE_CALL = "https://evil.invalid/b.png"
_DAY = 86_400_000_000  # in microseconds, as all times of deliveries


def settings_in(folder: Path) -> Settings:
    return Settings(
        data_dir=folder / "data",
        warehouse_path=folder / "fluents_warehouse.duckdb",
        buffer_keep_days=36500,  # the deliveries lie in the past
    )


def load(settings: Settings) -> Path:
    with Loader(settings) as loader:
        loader.load()
    return settings.warehouse_path


def simulated(folder: Path, events: int = 4_000) -> Path:
    """A week of calls of two webhooks, from Monday 2026-01-05 on, in office hours.

    The simulator's deliveries are those of some busy minutes. Here each call begins at a time of
    its own, and its deliveries follow each other as they did, one place of the stream in 0.4 s.
    """
    settings = settings_in(folder)
    random = Random(5)  # noqa: S311 # a seed, not a secret
    begin: dict[str, int] = {}
    arrivals = []
    for place, one in enumerate(islice(simulate(seed=5), events)):
        if one.call_id not in begin:
            second = random.randrange(9 * 3600, 18 * 3600)
            day = random.choices(range(4, 11), [5, 4, 6, 5, 4, 1, 1])[0]
            begin[one.call_id] = START + day * _DAY + second * 1_000_000 - place * 400_000
        arrivals.append((begin[one.call_id] + place * 400_000, one))
    buffer = SqliteBuffer(settings.buffer_file)
    for received_at, one in sorted(arrivals, key=lambda arrival: arrival[0]):
        webhook = "sales" if one.call_id < "a" else "support"
        buffer.append(delivery(one.body, received_at=received_at, webhook=webhook))
    buffer.append(delivery(b"no JSON", received_at=START + 7 * _DAY))
    buffer.close()
    return load(settings)


def hostile(folder: Path) -> Path:
    """One call whose every text wants to be rendered."""
    settings = settings_in(folder)
    buffer = SqliteBuffer(settings.buffer_file)
    numbers = {"from_number": HOSTILE, "to_number": HOSTILE_CALL, "is_outgoing": True}
    payloads = {
        "event_phone_call_connected": None,
        "event_message": {"sender": "human", "text": HOSTILE},
        "event_action": {"action_type": HOSTILE, "phase": "start", "input": {"a": HOSTILE}},
        "event_error": {"message": HOSTILE},
        "event_transcript": {"transcript": f"BOT: {HOSTILE}\nHUMAN: {HOSTILE}"},
        "event_post_call_processing_completed": {"result": {HOSTILE: HOSTILE, "note": HOSTILE}},
    }
    for second, (type_, payload) in enumerate(payloads.items()):
        content = body(type_, payload, call_id=HOSTILE_CALL, **numbers)
        at = START + second * 1_000_000
        buffer.append(delivery(content, received_at=at, webhook="<b>main</b>"))
    buffer.close()
    return load(settings)
