"""`python -m tests.benchmarks <name>`: each prints a table, or with `--json` a record."""

from __future__ import annotations

import signal
import sys

import click

from tests.benchmarks import (
    dashboard,
    freshness,
    growth,
    load,
    memory,
    query,
    receive,
    search,
    startup,
    year,
)


@click.group()
def main() -> None:
    """How fast the connector is, against the engines under it, in one run on this machine."""
    # as Ctrl-C: whatever was started is ended, and the temporary folder removed, on the way out
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


for module in (load, receive, freshness, growth, memory, query, search, dashboard, startup, year):
    main.add_command(module.command)

if __name__ == "__main__":
    main(prog_name="python -m tests.benchmarks")
