"""Options that all benchmarks share."""

from __future__ import annotations

from pathlib import Path

import click

from tests.benchmarks.history import LOADED

as_json = click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
repeats_option = click.option(
    "--repeats",
    default=5,
    show_default=True,
    type=click.IntRange(1),
    help="Runs of each, in turn, for the median; fewer than five are a first look only.",
)
loaded_option = click.option(
    "--loaded", default=LOADED, show_default=True, help="Events of the first real load."
)
folder_option = click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where to make the temporary folder; the system's own by default.",
)
