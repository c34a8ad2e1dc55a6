"""`query`: SQL on the published warehouse."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fluents_connector.errors import QueryError
from fluents_warehouse.options import config_option, defuse_option, require_csv


@click.command()
@click.argument("sql")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    default="table",
    show_default=True,
    help="table: on a terminal shortened to what fits, elsewhere whole, a line for each row with "
    "tabs between the values. json is one object a line, with null for NaN and infinity.",
)
@defuse_option
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of standard output.",
)
@config_option
def query(
    sql: str, format_: str, defuse_formulas: bool, output: Path | None, config: Path | None
) -> None:
    """Run SQL on the published warehouse; - reads the SQL from standard input.

    Example: fluents-warehouse query "select status, count(*) from fluents.calls group by all"
    """
    from fluents_connector.settings import load_settings
    from fluents_pipelines.readers.query import write_result
    from fluents_pipelines.warehouse import open_published

    if sql == "-":
        sql = sys.stdin.read()
    if format_ == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet is not for a terminal: give --output FILE.")
    require_csv(format_, defuse_formulas=defuse_formulas)
    settings = load_settings(config)
    with open_published(settings) as connection:
        if output is None:
            write_result(connection, sql, format_, sys.stdout.buffer, defuse=defuse_formulas)
            sys.stdout.buffer.flush()
        else:
            try:
                with output.open("wb") as file:
                    write_result(connection, sql, format_, file, defuse=defuse_formulas)
            except OSError as error:
                raise QueryError(f"{output} cannot be written: {error.strerror}.") from error
