"""The judge finds whatever is wrong with a warehouse, and nothing in a right one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import Settings
from fluents_pipelines.load import Loader
from tests.attacks.faults.claims import Finding
from tests.attacks.faults.events import TYPES, Answer, Sent, make, seeded
from tests.attacks.faults.judge import judge
from tests.attacks.faults.oracle import Oracle
from tests.attacks.faults.run import balance
from tests.deliveries import Clock, delivery


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Oracle]:
    """A published warehouse of every type, with a duplicate and a bad body, and its oracle."""
    folder = tmp_path_factory.mktemp("loaded")
    settings = Settings(
        data_dir=folder / "data",
        warehouse_path=folder / "published.duckdb",
        buffer_keep_days=36500,
    )
    oracle, clock = Oracle(), Clock()
    buffer = SqliteBuffer(settings.buffer_file)
    for sent in bodies():
        for _ in range(2 if sent.is_good and sent.is_recognised else 1):
            oracle.attempt(sent)
            receipt = buffer.append(delivery(sent.body, received_at=clock()))
            oracle.acknowledge(sent, Answer(*receipt))
    buffer.close()
    with Loader(settings) as loader:
        loader.load()
    return settings.warehouse_path, oracle


def bodies() -> Iterator[Sent]:
    wanted = {*TYPES, ""}
    for number in range(10_000):
        sent = make(number, "judge", seeded(number))
        if sent.type in wanted or number < 60:
            wanted.discard(sent.type)
            yield sent
        elif not wanted:
            return


def judged(loaded: tuple[Path, Oracle], folder: Path, *statements: str) -> set[str]:
    """The kinds of findings once the warehouse was changed by `statements`."""
    path = folder / "changed.duckdb"
    shutil.copy(loaded[0], path)
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return {finding.kind for finding in judge(path, loaded[1], status_of(loaded[1]))}


def status_of(oracle: Oracle) -> dict[str, Any]:
    counts = oracle.counts
    return {
        "received": counts["attempts"],
        "loaded": counts["answered"] - counts["duplicates"],
        "duplicates": counts["duplicates"],
        "quarantined": counts["refused"],
        "pending": 0,
    }


@pytest.mark.attack
def test_a_right_warehouse_has_no_finding(loaded: tuple[Path, Oracle], tmp_path: Path) -> None:
    assert judged(loaded, tmp_path) == set()


ONE = "(select min(event_id) from fluents.{0})"
FIRST_ERROR = ONE.format("errors")
DAMAGE = {
    "an event lost": (f"delete from fluents.events where event_id = {FIRST_ERROR}", "lost"),
    "a row of its table lost": (
        f"delete from fluents.errors where event_id = {FIRST_ERROR}",
        "lost",
    ),
    "an event twice": (
        f"insert into fluents.events from fluents.events where event_id = {FIRST_ERROR}",
        "twice",
    ),
    "a row of its table twice": (
        f"insert into fluents.errors from fluents.errors where event_id = {FIRST_ERROR}",
        "twice",
    ),
    "a payload changed": (
        "update fluents.events set payload = json_merge_patch(payload, '{\"x\":1}')"
        f" where event_id = {FIRST_ERROR}",
        "changed",
    ),
    "a payload in its table changed": (
        f"update fluents.errors set payload = '{{}}' where event_id = {FIRST_ERROR}",
        "changed",
    ),
    "a duplicate counted": (
        "update fluents.events set duplicate_of = null where event_id ="
        " (select min(event_id) from fluents.events where duplicate_of is not null)",
        "duplicate",
    ),
    "a turn lost": ("delete from fluents.transcript_turns where turn_index = 1", "lost"),
    "a call lost": (
        "delete from fluents.calls where call_id = (select min(call_id) from fluents.calls)",
        "lost",
    ),
    "a call twice": (
        "insert into fluents.calls from fluents.calls limit 1",
        "twice",
    ),
    "a call without one of its events": (
        "update fluents.calls set first_error_at = null where first_error_at is not null",
        "changed",
    ),
    "a refused body lost": ("delete from fluents.quarantine", "lost"),
    "a refused body twice": (
        "insert into fluents.quarantine from fluents.quarantine limit 1",
        "twice",
    ),
    "a stranger": (
        'update fluents.events set payload = \'{"fault_id":"nobody"}\''
        f" where event_id = {FIRST_ERROR}",
        "not sent",
    ),
    "an event in a wrong table": (
        "insert into fluents.messages by name select event_id, call_id, received_at, payload,"
        f" _dlt_load_id from fluents.errors where event_id = {FIRST_ERROR}",
        "not sent",
    ),
    "a position left out": (
        "update fluents.events set position = 10000 where position = 1",
        "accounts",
    ),
}


@pytest.mark.attack
@pytest.mark.parametrize(("statement", "kind"), DAMAGE.values(), ids=DAMAGE)
def test_the_judge_finds(
    loaded: tuple[Path, Oracle], tmp_path: Path, statement: str, kind: str
) -> None:
    assert kind in judged(loaded, tmp_path, statement)


def test_a_status_that_does_not_add_up_is_found(loaded: tuple[Path, Oracle]) -> None:
    counts = loaded[1].counts
    right = status_of(loaded[1])
    assert balance(right, counts, counts) == []
    for key in right:
        found = balance({**right, key: right[key] + 1}, counts, counts)
        assert Finding("accounts", found[0].text) in found
