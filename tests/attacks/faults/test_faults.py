"""The short form of the attack, and proof that the judge sees what goes wrong.

The long form is `python -m tests.attacks.faults`.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import psutil
import pytest

from fluents_connector.buffer import SqliteBuffer
from tests.attacks.faults.beside import TROUBLES
from tests.attacks.faults.broken import BROKEN
from tests.attacks.faults.chaos import (
    AT_RANDOM,
    CONNECTIONS,
    CRASH,
    RECEIVER_FAULTS,
    WAREHOUSE_FAULTS,
    Plan,
)
from tests.attacks.faults.events import make, seeded
from tests.attacks.faults.judge import summary
from tests.attacks.faults.killing import is_alive
from tests.attacks.faults.launcher import STEPS
from tests.attacks.faults.oracle import Oracle
from tests.attacks.faults.run import Minima, run
from tests.attacks.faults.sender import Sender
from tests.attacks.faults.system import System
from tests.attacks.faults.variants import ANY_SEED, IN_THE_SUITE, WITHOUT, broken_run, plan_of
from tests.deliveries import delivery
from tests.pipelines.warehouse.wholeness import as_left, halves
from tests.postgres import running

pytestmark = pytest.mark.attack

PLACED = (
    "after extract",
    "after normalize",
    "before complete package",
    "while a table is added",
    "after a table is added",
    "before confirm",
    "before publish's rename",
)
STEPS_IN_ORDER = list(STEPS)


def short_plan(seed: int) -> Plan:
    """Each placed kill and each random kind once."""
    plan = Plan(seed, 0)
    rng = seeded("short", seed)
    plan.beside = []
    plan.receiver = ["worker", "master", "clock set back", "torn log"]
    plan.loader = [*PLACED, AT_RANDOM]
    for faults in (plan.receiver, plan.loader):
        rng.shuffle(faults)
    plan.lose_dlt_at = {rng.randrange(1, len(plan.loader))}
    return plan


def test_whatever_is_killed_nothing_is_lost_and_nothing_is_twice(tmp_path: Path) -> None:
    report = run(
        tmp_path,
        seed=ANY_SEED,
        events=3_000,
        plan=short_plan(ANY_SEED),
        minima=Minima(
            kills={
                "": 12,
                "receiver worker": 1,
                "receiver master": 3,
                "loader, at random": 1,
                **{f"loader, {step}": 1 for step in PLACED},
            },
            counts={
                "acknowledged": 3_000,
                "unacknowledged": 4,
                "retries": 2,
                "repeats": 50,
                "duplicates": 50,
                "refused": 30,
            },
            notes=dict.fromkeys(("clock set back", "dlt folder lost", "torn tail"), 1),
        ),
        minutes=3,
    )
    assert summary(report.findings) == []
    assert report.failed_loads == []


def test_with_a_buffer_in_postgres_whatever_is_killed_nothing_is_lost_or_twice(
    tmp_path: Path,
) -> None:
    plan = Plan(ANY_SEED, 0)
    plan.beside = []
    plan.receiver = ["worker", "master", "clock set back", *[CRASH, CONNECTIONS] * 3]
    plan.loader = ["after extract", "before confirm", "before publish's rename", AT_RANDOM]
    seeded("postgres", ANY_SEED).shuffle(plan.receiver)
    with running() as server:
        report = run(
            tmp_path,
            seed=ANY_SEED,
            events=2_000,
            plan=plan,
            minima=Minima(
                kills={"postgres": 3, "connections": 3, "receiver": 3, "loader": 4},
                counts={"acknowledged": 2_000, "repeats": 30, "duplicates": 30, "refused": 20},
            ),
            minutes=4,
            server=server,
        )
    assert summary(report.findings) == []


def test_a_plan_is_the_same_for_the_same_seed_and_has_every_kind() -> None:
    plans = [Plan(seed, 200) for seed in (3, 3, 4)]
    assert vars(plans[0]) == vars(plans[1]) != vars(plans[2])
    assert {*STEPS, *WAREHOUSE_FAULTS, AT_RANDOM} == set(plans[0].loader)
    assert set(RECEIVER_FAULTS) == set(plans[0].receiver)
    assert set(TROUBLES) == set(plans[0].beside)
    assert len(plans[0].loader) + len(plans[0].receiver) == 200


# --- The judge sees it when the product is broken


def test_an_acknowledgement_before_the_commit_is_found_as_a_loss(tmp_path: Path) -> None:
    report = broken_run(tmp_path, "early acknowledgement", plan_of(["master"], []))
    assert report.found("lost") > 0, summary(report.findings)


def test_append_without_a_transaction_is_found_as_a_doubling(tmp_path: Path) -> None:
    # several, as one after `calls`, which has a key there too, doubles nothing
    report = broken_run(tmp_path, "append", plan_of([], ["after a table is added"] * 3))
    assert report.found("twice") > 0, summary(report.findings)
    assert report.found("lost") == 0


def test_duplicates_that_are_not_recognised_are_found(tmp_path: Path) -> None:
    report = broken_run(tmp_path, "no duplicates", plan_of(["worker"], []))
    missing = [text for kind, text in report.findings if kind == "duplicate"]
    assert any("lack duplicate_of" in text for text in missing), summary(report.findings)
    assert report.found("lost") == 0


@pytest.mark.parametrize("name", IN_THE_SUITE)
def test_what_a_broken_variant_makes_of_a_fault_is_found(name: str, tmp_path: Path) -> None:
    variant, plan, kind = WITHOUT[name]
    report = broken_run(tmp_path, variant, plan)
    assert report.found(kind) > 0, summary(report.findings)


def test_a_run_without_faults_is_vacuous(tmp_path: Path) -> None:
    report = run(
        tmp_path,
        seed=ANY_SEED,
        events=50,
        plan=plan_of([], []),
        minima=Minima({"": 1}, {"unacknowledged": 1}, {"torn tail": 1}),
        minutes=1,
    )
    assert [kind for kind, _ in report.findings] == ["vacuous"] * 3


def test_every_broken_variant_has_its_test() -> None:
    above = {"early acknowledgement", "append", "no duplicates"}
    assert set(BROKEN) == above | {variant for variant, _, _ in WITHOUT.values()}


# --- The placed kills are where they say


@pytest.mark.parametrize("first", STEPS)
def test_a_load_killed_at_any_step_and_again_while_it_recovers_loads_all_of_it(
    tmp_path: Path, first: str
) -> None:
    bodies = [make(number, "step", seeded(number)) for number in range(40)]
    again = "before archiving the package"  # reached by a package that is given up, too
    with System(tmp_path) as system:
        buffer = SqliteBuffer(system.data_dir / "buffer.sqlite")
        for number, sent in enumerate(bodies):
            buffer.append(delivery(sent.body, received_at=number, bits=number))
        buffer.close()
        system.start_loader((first, 1))
        system.wait_for_placed_kill(first)
        assert halves(as_left(system.warehouse, tmp_path / "left")) == []
        if STEPS_IN_ORDER.index(first) <= STEPS_IN_ORDER.index(again):
            system.start_loader((again, 1))
            system.wait_for_placed_kill("again")
        ended = system.run("load")
        assert ended.returncode == 0, ended.stderr
        status = system.status()
        assert (status["received"], status["pending"]) == (40, 0)
    with duckdb.connect(str(system.published), read_only=True) as connection:
        found = connection.execute("select payload::varchar from fluents.events").fetchall()
    by_identity = {sent.identity: sent.payload for sent in bodies if sent.is_good}
    payloads = [json.loads(payload) for (payload,) in found]
    assert len(payloads) == len(by_identity)
    assert {payload["fault_id"]: payload for payload in payloads} == by_identity


def test_nothing_is_left_running(tmp_path: Path) -> None:
    before = set(psutil.Process().children(recursive=True))  # of other tests in this process
    with System(tmp_path) as system:
        system.start_receiver()
        system.start_loader()
        Sender(system.port, Oracle(), seed=1, threads=1).send_one()
        started = set(psutil.Process().children(recursive=True)) - before
    assert len(started) == 4  # a receiver, its two workers, a loader
    assert not [process for process in started if is_alive(process)]
