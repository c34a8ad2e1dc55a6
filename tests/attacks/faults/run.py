"""One run: send, attack, let everything be loaded, judge."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.attacks.faults.chaos import Chaos, Plan
from tests.attacks.faults.claims import Finding
from tests.attacks.faults.judge import glance, judge
from tests.attacks.faults.killing import SystemFailed
from tests.attacks.faults.oracle import Oracle
from tests.attacks.faults.sender import Sender
from tests.attacks.faults.system import System
from tests.postgres import Server

THREADS = 16
LEAD_KILLS = 3  # as many kills' share of the events may be sent before their kills
SAMPLE_SECONDS = 5.0
SETTLE_SECONDS = 240.0  # a backlog on a machine under load; a failure to come through needs it
VERSIONS = ("dlt", "duckdb", "granian", "pyarrow")


@dataclass(slots=True)
class Minima:
    """Below one of these a run proves nothing."""

    kills: dict[str, int]
    """By the beginning of a kill's name."""
    counts: dict[str, int]
    notes: dict[str, int] = field(default_factory=dict)
    """By the beginning of what a note says."""


@dataclass(slots=True)
class Report:
    """What happened and what is wrong."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    samples: int = 0
    failed_loads: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    def found(self, kind: str) -> int:
        return sum(finding.kind == kind for finding in self.findings)


def versions() -> dict[str, str]:
    return {name: version(name) for name in VERSIONS}


def run(
    folder: Path,
    *,
    seed: int,
    events: int,
    plan: Plan,
    minima: Minima,
    minutes: float,
    broken: str | None = None,
    server: Server | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Report:
    """Attacks a fresh system in `folder` by `plan` until `events` are acknowledged.

    Its buffer is in the Postgres `server`, or else in SQLite.
    """
    report = Report(seed)
    oracle = Oracle()
    started = time.monotonic()
    with System(folder, broken=broken, server=server) as system:
        try:
            _attack(system, oracle, report, seed, events, plan, minutes * 60, progress)
        except SystemFailed as failure:
            # what was acknowledged until then is judged all the same
            report.findings.append(Finding("process", str(failure)))
            system.start_anew()
        try:
            progress("attacked; loading the rest")
            status = _settle(system, report)
            progress("judging")
            report.findings += judge(system.published, oracle, status)
        except SystemFailed as failure:
            report.findings.append(Finding("process", str(failure)))
        report.findings += [Finding("process", text) for text in system.complaints]
        report.kills, report.notes = system.kills, system.notes
        report.failed_loads = system.failed_loads()
    report.counts = oracle.snapshot()
    report.findings += [Finding("answer", text) for text in oracle.unexpected]
    report.findings += _vacuous(report, minima)
    report.seconds = time.monotonic() - started
    return report


def _attack(
    system: System,
    oracle: Oracle,
    report: Report,
    seed: int,
    events: int,
    plan: Plan,
    seconds: float,
    progress: Callable[[str], None],
) -> None:
    planned = len(plan.receiver) + len(plan.loader)

    def acknowledged() -> int:
        return oracle.counts["acknowledged"]

    def is_ahead(number: int) -> bool:
        """Neither all events before the first kill nor all kills before the first event."""
        if chaos.is_done():
            return False
        return number > events * (system.kills.total() + LEAD_KILLS) / (planned or 1)

    chaos = Chaos(
        system,
        oracle,
        plan,
        seed=seed,
        progress=acknowledged,
        events_between=events // (2 * max(1, len(plan.receiver))),
    )
    sender = Sender(system.port, oracle, seed=seed, threads=THREADS, is_ahead=is_ahead)
    chaos.sample = _Sampler(system, oracle, report)
    system.start_receiver()
    system.start_loader()
    sender.start()
    chaos.start()
    deadline = time.monotonic() + seconds
    try:
        while not chaos.is_done() or acknowledged() < events:
            if chaos.error is not None:
                raise chaos.error
            if time.monotonic() > deadline:
                report.findings.append(Finding("time", f"not done after {seconds:.0f} s"))
                break
            progress(
                f"{system.kills.total():,} of {planned} kills, {acknowledged():,} of"
                f" {events:,} events acknowledged"
            )
            threading.Event().wait(0.1)
    finally:
        chaos.stop()
        ended = sender.stop(SETTLE_SECONDS)
    if chaos.error is not None:
        raise chaos.error
    if not ended:
        report.findings.append(Finding("process", "requests got no answer after the faults"))
    _fresh_event_flows(system, sender, report)


class _Sampler:
    """`status` and the published file in the middle of it all, every few seconds."""

    def __init__(self, system: System, oracle: Oracle, report: Report) -> None:
        self._system = system
        self._oracle = oracle
        self._report = report
        self._last = time.monotonic()
        self._former = 0

    def __call__(self) -> None:
        if time.monotonic() - self._last < SAMPLE_SECONDS and self._report.samples:
            return
        before = self._oracle.snapshot()
        state = self._system.status()
        self._report.findings += list(balance(state, before, self._oracle.snapshot()))
        if state["received"] < self._former:
            self._report.findings.append(Finding("accounts", "received went down"))
        self._former = state["received"]
        if self._system.published.exists():
            self._report.findings += glance(self._system.published)
        self._report.samples += 1
        self._last = time.monotonic()


def balance(state: dict[str, Any], before: Counter[str], after: Counter[str]) -> list[Finding]:
    """Whether `status` adds up, and agrees with what was answered before and sent after it."""
    parts = [state[key] for key in ("loaded", "duplicates", "quarantined", "pending")]
    findings = []
    if state["received"] != sum(parts) or min(parts) < 0:
        findings.append(Finding("accounts", f"received {state['received']} is not {parts}"))
    low = before["answered"] + before["refused"]
    if not low <= state["received"] <= after["attempts"]:
        text = f"received {state['received']} is not in {low} to {after['attempts']}"
        findings.append(Finding("accounts", text))
    for key, counted in (("duplicates", "duplicates"), ("quarantined", "refused")):
        if state[key] < before[counted]:
            text = f"{key} is {state[key]}, but {before[counted]} were answered"
            findings.append(Finding("accounts", text))
    return findings


def _fresh_event_flows(system: System, sender: Sender, report: Report) -> None:
    """With the loader still running, an event sent now is soon in the published file."""
    import duckdb

    sent = sender.send_one()
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        # not there yet, or followed to a snapshot that the loader replaced meanwhile
        with (
            suppress(duckdb.IOException),
            duckdb.connect(str(system.published), read_only=True) as connection,
        ):
            found = connection.execute(
                "select count(*) from fluents.events where event_id = ?",
                [sent.answers[0].delivery_id if sent.answers else ""],
            ).fetchone()
            if found == (1,):
                return
        time.sleep(0.05)
    report.findings.append(Finding("lost", "an event sent after the faults does not come through"))


def _settle(system: System, report: Report) -> dict[str, Any]:
    """Everything loaded by a clean load; returns what `status` then says."""
    system.stop_loader()
    for number in range(2):
        ended = system.run("load")
        if ended.returncode:
            raise SystemFailed(f"a clean load ended with {ended.returncode}: {ended.stderr[-500:]}")
        if number and "Nothing to load" not in ended.stdout:
            report.findings.append(Finding("accounts", f"a load after the last: {ended.stdout}"))
    status = system.status()
    system.stop_receiver()
    return status


def _vacuous(report: Report, minima: Minima) -> list[Finding]:
    findings = []
    for kind, least in minima.kills.items():
        done = sum(count for name, count in report.kills.items() if name.startswith(kind))
        if done < least:
            findings.append(
                Finding("vacuous", f"{done} kills of {kind or 'any kind'}, not {least}")
            )
    for what, least in minima.counts.items():
        if report.counts[what] < least:
            text = f"{what}: {report.counts[what]}, not {least}"
            findings.append(Finding("vacuous", text))
    for note, least in minima.notes.items():
        done = sum(count for name, count in report.notes.items() if name.startswith(note))
        if done < least:
            findings.append(Finding("vacuous", f"{note}: {done}, not {least}"))
    if not report.samples and report.kills:
        findings.append(Finding("vacuous", "no sample of status was taken"))
    return findings
