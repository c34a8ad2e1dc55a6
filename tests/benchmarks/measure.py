"""What all benchmarks share: runs in turn, fresh processes, medians, and the record of it all.

A figure is worth something only beside another one of the same minutes: what is compared runs in
turn, forwards and then backwards, so that what else the machine does hits all of it alike.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import click

Result = TypeVar("Result")
Row = dict[str, Any]

PACKAGES = ("dlt", "duckdb", "flask", "granian", "pyarrow")
MIB = 1024**2


def in_turn(
    runs: Mapping[str, Callable[[], Result]], repeats: int, before: Callable[[], None] | None = None
) -> dict[str, list[Result]]:
    """What each of `runs` returned, one after the other, `repeats` times."""
    results: dict[str, list[Result]] = {name: [] for name in runs}
    for turn in range(repeats):
        for name in list(runs)[:: -1 if turn % 2 else 1]:
            say(f"{name}, {turn + 1} of {repeats}")
            if before:
                before()
            results[name].append(runs[name]())
    return results


def say(what: str) -> None:
    """Progress, for whoever waits at a terminal."""
    if sys.stderr.isatty():
        click.echo(f"  {what}", err=True)


def fresh(function: Callable[..., Result], *arguments: Any, **options: Any) -> Result:
    """Calls a function of a module in a Python process of its own."""
    with own_process() as pool:
        return pool.submit(function, *arguments, **options).result()


def own_process() -> ProcessPoolExecutor:
    """One more Python process, to call several functions in."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_leave_stdout)


def _leave_stdout() -> None:
    # DuckDB takes a spawned process for an interactive one, and draws progress bars
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(percent) // 100) - 1)]


class Timed:
    """Counts what the calls of one function take, from now on, in this process."""

    def __init__(self, owner: Any, name: str) -> None:
        self.seconds, self.bytes_written = 0.0, 0
        real = getattr(owner, name)

        def timed(*arguments: Any, **options: Any) -> Any:
            start, written = time.perf_counter(), bytes_written()
            try:
                return real(*arguments, **options)
            finally:
                self.seconds += time.perf_counter() - start
                self.bytes_written += bytes_written() - written

        setattr(owner, name, timed)

    def take(self) -> float:
        """The seconds since the last take."""
        seconds, self.seconds = self.seconds, 0.0
        return seconds

    def take_bytes(self) -> int:
        """The bytes that were written since the last time that this was asked."""
        written, self.bytes_written = self.bytes_written, 0
        return written


def bytes_written() -> int:
    """What this process has written to files until now, whether it is on the disk or not.

    0 where the system does not count it, which is Linux's to do.
    """
    counters = Path("/proc/self/io")
    if not counters.exists():
        return 0
    return int(counters.read_text().partition("wchar:")[2].split()[0])


def peak_mib(pid: int | str = "self") -> float:
    """The most memory that a living process has held; Linux only."""
    return _of_status("VmHWM:", pid)


def memory_mib(pid: int | str = "self") -> float:
    """The memory that a living process holds now; Linux only."""
    return _of_status("VmRSS:", pid)


def _of_status(name: str, pid: int | str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(name)[2].split()[0]) / 1024


@dataclass
class Record:
    """One benchmark's figures, with what is needed to judge them."""

    benchmark: str
    sizes: dict[str, Any]
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    machine: dict[str, Any] = field(default_factory=lambda: machine())
    versions: dict[str, str] = field(default_factory=lambda: versions())

    def show(self, as_json: bool) -> None:
        """Prints the record: a table for people, or JSON."""
        if as_json:
            click.echo(json.dumps(asdict(self)))
            return
        click.echo(f"{self.benchmark}: {_words(self.sizes)}")
        click.echo(f"{_words(self.machine)}; {_words(self.versions)}")
        click.echo(table(self.rows))
        for note in self.notes:
            click.echo(note)


def machine() -> dict[str, Any]:
    """The processor, its cores, the memory, and how busy they were before."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3),
        "load_average": round(os.getloadavg()[0], 1),
    }


def versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "sqlite": sqlite3.sqlite_version,
    }


def table(rows: Sequence[Row]) -> str:
    """The rows below their keys, numbers to the right."""
    if not rows:
        return ""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[key.replace("_", " ") for key in keys]]
    cells += [[_shown(row.get(key)) for key in keys] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(keys))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if isinstance(rows[0].get(key), str) else cell.rjust(width)
            for cell, width, key in zip(line, widths, keys, strict=True)
        ).rstrip()
        for line in cells
    )


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _words(named: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in named.items())
