"""`models`: what the models are, and whether their claims hold."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.options import config_option


@click.command()
@config_option
def models(config: Path | None) -> None:
    """List the models with their grain and key, and check their claims on the warehouse.

    Ends with status 1 if a claim is broken.
    """
    from rich.console import Console
    from rich.table import Table

    from connector.settings import load_settings
    from pipelines import models as sql_models
    from pipelines.query import published
    from pipelines.refresh import ANALYTICS

    settings = load_settings(config)
    console = Console()
    table = Table("model", "what it is", "grain", "key")
    for model in sorted(sql_models.models(), key=lambda model: model.name):
        table.add_row(
            f"{ANALYTICS}.{model.name}",
            model.description,
            model.header.get("grain", ""),
            model.header.get("key", ""),
        )
    console.print(table)
    with published(settings.warehouse_path) as connection:
        results = sql_models.run_checks(connection)
    for result in results:
        passed = result.offending_rows == 0
        mark = "[green]holds[/]" if passed else "[red]broken[/]"
        console.print(f"{mark}  {result.check}" + ("" if passed else _how_to_see(result.check)))
    if any(result.offending_rows for result in results):
        raise click.exceptions.Exit(1)


def _how_to_see(check: str) -> str:
    from pipelines.sql_files import sql_folder

    return f": see the rows with the query in {sql_folder() / 'checks' / check}.sql"
