"""What a wrong variant of the product makes of one fault, and the finding that tells.

Those that take longest are run by `python -m tests.attacks.faults --variants` only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.attacks.faults.beside import FULL_DISK, LOCK_HELD
from tests.attacks.faults.chaos import ANOTHER_LOAD, LOST, OLDER, OLDER_SCHEMA, RESTORED, Plan
from tests.attacks.faults.run import Minima, Report, run

ANY_SEED = 20_261_123


def broken_run(folder: Path, variant: str, plan: Plan) -> Report:
    return run(
        folder,
        seed=ANY_SEED,
        events=300,
        plan=plan,
        minima=Minima({"": 1}, {"acknowledged": 300}),
        minutes=2,
        broken=variant,
    )


def plan_of(receiver: list[str], loader: list[str], beside: Sequence[str] = ()) -> Plan:
    plan = Plan(ANY_SEED, 0)
    plan.receiver, plan.loader, plan.lose_dlt_at = receiver, loader, set()
    plan.beside = list(beside)
    return plan


WITHOUT = {
    "a full disk swallowed": ("errors swallowed", plan_of([], [], [FULL_DISK]), "lost"),
    "a lock swallowed": ("errors swallowed", plan_of([], [], [LOCK_HELD]), "lost"),
    "a restored buffer not noticed": ("restore not noticed", plan_of([RESTORED], []), "lost"),
    "an older loader's file": ("position by the buffer", plan_of([], [OLDER]), "lost"),
    "a lost loader's file": ("nothing taken back", plan_of([], [LOST]), "lost"),
    "an older schema": ("calls not known", plan_of([], [OLDER_SCHEMA]), "changed"),
    "another load": ("ends for another load", plan_of([], [ANOTHER_LOAD]), "process"),
}

IN_THE_SUITE = ["a full disk swallowed", "an older schema", "another load"]
