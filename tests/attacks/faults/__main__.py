"""The long form: `python -m tests.attacks.faults`. Ends with status 1 if anything is wrong."""

from __future__ import annotations

import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import click

from tests.attacks.faults.beside import TROUBLES
from tests.attacks.faults.chaos import ANOTHER_LOAD, LOST, OLDER, OLDER_SCHEMA, RESTORED, Plan
from tests.attacks.faults.judge import summary
from tests.attacks.faults.launcher import STEPS
from tests.attacks.faults.run import Minima, Report, run, versions
from tests.attacks.faults.variants import WITHOUT, broken_run

PROGRESS_SECONDS = 10.0


def _is_found(name: str) -> bool:
    variant, plan, kind = WITHOUT[name]
    with tempfile.TemporaryDirectory(prefix="fluents-faults-") as folder:
        is_found = broken_run(Path(folder), variant, plan).found(kind) > 0
    click.echo(f"{'found' if is_found else 'NOT FOUND'}  {name}")
    return is_found


@click.command()
@click.option("--kills", default=500, show_default=True, type=click.IntRange(60))
@click.option("--events", default=500_000, show_default=True, type=click.IntRange(1_000))
@click.option("--seed", type=int, help="The printed seed of a run, to draw the same again.")
@click.option("--minutes", default=60.0, show_default=True, help="Time for the attack.")
@click.option("--keep", is_flag=True, help="Keep the folder if anything was found.")
@click.option("--variants", is_flag=True, help="Attack each wrong variant: it must be found.")
def main(
    kills: int, events: int, seed: int | None, minutes: float, keep: bool, variants: bool
) -> None:
    """Kill a receiver and its loader again and again; nothing may be lost, nothing twice."""
    if variants:
        found_each = [_is_found(name) for name in WITHOUT]
        sys.exit(0 if all(found_each) else 1)
    seed = secrets.randbelow(10**6) if seed is None else seed
    # as Ctrl-C: whatever was started is ended on the way out
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    click.echo(f"seed {seed}, with {_words(versions())}")
    folder = Path(tempfile.mkdtemp(prefix="fluents-faults-"))
    found = True
    plan = Plan(seed, kills)
    try:
        report = run(
            folder,
            seed=seed,
            events=events,
            plan=plan,
            minima=_minima(plan, kills, events),
            minutes=minutes,
            progress=_printer(),
        )
        found = bool(report.findings)
    finally:
        if found and keep:
            click.echo(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    click.echo(table(report))
    sys.exit(1 if found else 0)


def _minima(plan: Plan, kills: int, events: int) -> Minima:
    steps = Counter(fault for fault in plan.loader if fault in STEPS)
    return Minima(
        kills={
            "": kills,
            "receiver worker": kills // 8,
            "receiver master": kills // 8,
            "loader, at random": kills // 8,
            "beside": kills // 50,
            **{f"loader, {step}": count for step, count in steps.items()},
        },
        counts={
            "acknowledged": events,
            "unacknowledged": kills // 2,
            "retries": kills // 4,
            "given up": kills // 20,
            "repeats": events // 50,
            "duplicates": events // 50,
            "refused": events // 100,
            "unavailable": kills // 10,
        },
        notes={
            "clock set back": 1,
            "dlt folder lost": 1,
            "torn tail": 1,
            "buffer restored": plan.receiver.count(RESTORED),
            "older schema": plan.loader.count(OLDER_SCHEMA),
            "older warehouse put back": plan.loader.count(OLDER),
            "loader's file lost": plan.loader.count(LOST),
            "another load": plan.loader.count(ANOTHER_LOAD),
            **dict.fromkeys(TROUBLES, 1),
        },
    )


def table(report: Report) -> str:
    """The figures, a line each."""
    counts = report.counts
    lines: list[tuple[str, object]] = [("kills", report.kills.total())]
    lines += [(f"  {kind}", count) for kind, count in sorted(report.kills.items())]
    lines += [(kind, count) for kind, count in sorted(report.notes.items())]
    lines += [
        ("events acknowledged", counts["acknowledged"]),
        ("lost", report.found("lost")),
        ("twice", report.found("twice")),
        ("other findings", len(report.findings) - report.found("lost") - report.found("twice")),
        ("requests", counts["attempts"]),
        ("requests unacknowledged", counts["unacknowledged"]),
        ("  sent again", counts["retries"]),
        ("  given up", counts["given up"]),
        ("equal bodies sent on purpose", counts["repeats"]),
        ("duplicates recognised", counts["duplicates"]),
        ("bad bodies refused and kept", counts["refused"]),
        ("answered 503", counts["unavailable"]),
        ("loads that reported a failure", len(report.failed_loads)),
        ("samples of status", report.samples),
        ("seconds", round(report.seconds)),
        ("seed", report.seed),
        ("versions", _words(versions())),
    ]
    rows = [
        f"{name:<44} {value:>12,}"
        if isinstance(value, int) and name != "seed"
        else f"{name:<44} {value:>12}"
        for name, value in lines
    ]
    rows += [f"FOUND {line}" for line in summary(report.findings)]
    rows += [f"failed load: {line[:300]}" for line in report.failed_loads[:5]]
    return "\n".join(rows)


def _words(named: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in named.items())


def _printer() -> Callable[[str], None]:
    last = 0.0
    start = time.monotonic()

    def show(line: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_SECONDS or " of " not in line:
            last = now
            click.echo(f"{now - start:5.0f} s  {line}")

    return show


if __name__ == "__main__":
    main()
