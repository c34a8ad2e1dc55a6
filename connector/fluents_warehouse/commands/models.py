"""`models`: what the models are, and whether their checks pass; `--dbt`: sources for dbt."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

import click

from fluents_connector.printing import printable
from fluents_warehouse.options import config_option
from fluents_warehouse.tables import print_table

if TYPE_CHECKING:
    from fluents_connector.settings import Settings


@click.command()
@click.option(
    "--dbt",
    "dbt_folder",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the tables and models into FOLDER/fluents_sources.yml, as sources of dbt with "
    "their tests, and run no checks.",
)
@config_option
def models(dbt_folder: Path | None, config: Path | None) -> None:
    """List the models with their grain and key, and run their checks on the warehouse.

    Custom models, of models_dir, come after the built-in ones: what the last load found wrong with
    one is shown with its file and line. Ends with status 1 if a check fails or a model is wrong.
    """
    from fluents_connector.settings import load_settings

    settings = load_settings(config)
    is_right = _list_and_check(settings) if dbt_folder is None else _dbt(settings, dbt_folder)
    if not is_right:
        raise click.exceptions.Exit(1)


def _list_and_check(settings: Settings) -> bool:
    from fluents_pipelines.models import built_in, custom
    from fluents_pipelines.models.scope import ANALYTICS
    from fluents_pipelines.warehouse import open_published, properties

    files = custom.read(settings.models_dir)
    rows = []
    for model in [*sorted(built_in.models(), key=lambda model: model.name), *files.files]:
        shown = (model.description, model.header.get("grain", ""), model.header.get("key", ""))
        rows.append((f"{ANALYTICS}.{model.name}", *shown))
    print_table(["model", "what it is", "grain", "key"], rows)
    with open_published(settings) as connection:
        results = built_in.run_checks(connection)
        version = properties.get(connection, properties.CUSTOM_MODELS) or ""
        custom_results, wrong = custom.run_custom_checks(connection, settings.models_dir)
    for result in [*results, *custom_results]:
        passed = result.offending_rows == 0
        word = click.style("holds", "green") if passed else click.style("broken", "red")
        how = "" if passed else f": see the rows with the query in {result.path}"
        click.echo(f"{word}  {printable(result.check + how)}")
    wrong = _show_wrong(settings, version, wrong)
    return not (wrong or any(result.offending_rows for result in [*results, *custom_results]))


def _dbt(settings: Settings, folder: Path) -> bool:
    from fluents_pipelines.readers import dbt_sources
    from fluents_pipelines.warehouse import open_published, properties, published

    with open_published(settings) as connection:
        relations = dbt_sources.relations(connection, settings)
        version = properties.get(connection, properties.CUSTOM_MODELS) or ""
    path = dbt_sources.write(folder, dbt_sources.as_yaml(relations))
    click.echo(f"Wrote {len(relations)} tables and models to {printable(str(path))}.")
    click.echo("In profiles.yml let dbt attach the published file, read-only:\n")
    click.echo(indent(dbt_sources.attachment(published(settings).location), " " * 6))
    click.echo("Then select from {{ source('analytics', 'calls_daily') }}, and run `dbt build`.")
    return not _show_wrong(settings, version, [])


def _show_wrong(settings: Settings, version: str, wrong: list[str]) -> list[str]:
    """Prints what is wrong with custom models, which are not there; `wrong` is with their checks.

    `version` is that of the custom models in the warehouse.
    """
    from fluents_connector.loader_state import loader_state
    from fluents_pipelines.models import custom

    files = custom.read(settings.models_dir)
    report = loader_state(settings).report()
    wrong = [*(report.model_errors if report else files.errors), *wrong]
    for error in wrong:
        click.echo(f"{click.style('wrong', 'red')}  {printable(error)}")
    if version != files.fingerprint:
        click.echo("Your models changed since the last load: run `fluents-warehouse load`.")
    return wrong
