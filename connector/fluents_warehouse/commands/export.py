"""`export`: every table and model of the published warehouse as a file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluents_warehouse.commands.load import progress_bar
from fluents_warehouse.options import config_option, defuse_option, require_csv

if TYPE_CHECKING:
    from fluents_pipelines.readers.export import Format


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--format",
    "format_",
    type=click.Choice(["parquet", "csv"]),
    default="parquet",
    show_default=True,
    help="Times are in UTC, and JSON is text.",
)
@defuse_option
@config_option
def export(folder: Path, format_: Format, defuse_formulas: bool, config: Path | None) -> None:
    """Write every table and model into FOLDER, a file each, for tools that read files.

    FOLDER/fluents/calls.parquet, FOLDER/analytics/call_summary.parquet and so on. Again: the files
    are replaced, each by rename. What no export wrote is never touched.
    """
    from fluents_connector.settings import load_settings
    from fluents_pipelines.readers.export import export as export_to
    from fluents_pipelines.warehouse import open_published

    require_csv(format_, defuse_formulas=defuse_formulas)
    settings = load_settings(config)
    started = time.monotonic()
    done = rows = 0
    with open_published(settings) as connection, progress_bar("Exporting") as progress:
        for file, total in export_to(connection, folder, format_, defuse=defuse_formulas):
            done, rows = done + 1, rows + file.rows
            progress(done, total)
    seconds = time.monotonic() - started
    click.echo(f"Wrote {done} files, {rows:,} rows, to {folder} in {seconds:.1f} s.")
