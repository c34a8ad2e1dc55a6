"""Drives wrk, a load generator in C: one in Python would be measured itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import click

from fluents_connector.simulator import simulate

SCRIPT = Path(__file__).with_name("wrk.lua")
BODIES = 5_000  # simulated; each request makes one of them its own

_runs = count()


@dataclass(frozen=True)
class Load:
    """What wrk saw: answers, all of them 2xx, and latencies in milliseconds."""

    requests: int
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


def needed() -> None:
    """Ends the benchmark with a sentence where wrk is not installed."""
    if shutil.which("wrk") is None:
        raise click.ClickException(
            "wrk is not installed. It is in Debian's and Homebrew's package `wrk`."
        )


def write_bodies(path: Path) -> None:
    """Bodies for `drive`, one a line."""
    lines = [delivery.body for delivery in islice(simulate(seed=2), BODIES)]
    path.write_bytes(b"\n".join(lines) + b"\n")


def drive(url: str, bodies: Path, *, connections: int, seconds: float) -> Load:
    """Posts distinct bodies for some seconds. Any answer but a 2xx ends the benchmark."""
    done = subprocess.run(
        [
            *("wrk", "--threads", "1", "--connections", str(connections)),
            *("--duration", f"{max(1, round(seconds))}s", "--timeout", "30s"),
            *("--script", str(SCRIPT), url, "--", str(bodies), f"{next(_runs)}"),
        ],
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=False,
    )
    try:
        said = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise click.ClickException(f"wrk failed: {done.stdout}{done.stderr}") from None
    if said.pop("errors"):
        raise click.ClickException(f"not every request was answered with a 2xx: {done.stdout}")
    return Load(**said)
