"""`models`: what the models are, and whether their checks pass."""

from __future__ import annotations

from pathlib import Path

import click

from fluents_connector.printing import printable
from fluents_warehouse.options import config_option
from fluents_warehouse.tables import print_table


@click.command()
@config_option
def models(config: Path | None) -> None:
    """List the models with their grain and key, and run their checks on the warehouse.

    Custom models, of models_dir, come after the built-in ones: what the last load found wrong with
    one is shown with its file and line. Ends with status 1 if a check fails or a model is wrong.
    """
    from fluents_connector.loader_state import loader_state
    from fluents_connector.settings import load_settings
    from fluents_pipelines.models import built_in, custom
    from fluents_pipelines.models.scope import ANALYTICS
    from fluents_pipelines.warehouse import open_published, properties

    settings = load_settings(config)
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
    report = loader_state(settings).report()
    wrong = [*(report.model_errors if report else files.errors), *wrong]
    for error in wrong:
        click.echo(f"{click.style('wrong', 'red')}  {printable(error)}")
    if version != files.fingerprint:
        click.echo("Your models changed since the last load: run `fluents-warehouse load`.")
    if wrong or any(result.offending_rows for result in [*results, *custom_results]):
        raise click.exceptions.Exit(1)
