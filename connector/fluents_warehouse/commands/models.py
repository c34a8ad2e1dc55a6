"""`models`: what the models are, and whether their claims hold."""

from __future__ import annotations

from pathlib import Path

import click

from fluents_connector.printing import printable
from fluents_warehouse.options import config_option
from fluents_warehouse.tables import print_table


@click.command()
@config_option
def models(config: Path | None) -> None:
    """List the models with their grain and key, and check their claims on the warehouse.

    Your own models, of models_dir, come after ours: what the last load found wrong with one is
    shown with its file and line. Ends with status 1 if a claim is broken or a model is wrong.
    """
    from fluents_connector.loader_state import loader_state
    from fluents_connector.settings import load_settings
    from fluents_pipelines.models import built_in as sql_models
    from fluents_pipelines.models import custom
    from fluents_pipelines.models.incremental import ANALYTICS
    from fluents_pipelines.warehouse import open_published, properties

    settings = load_settings(config)
    own = custom.read(settings.models_dir)
    rows = []
    for model in [*sorted(sql_models.models(), key=lambda model: model.name), *own.files]:
        shown = (model.description, model.header.get("grain", ""), model.header.get("key", ""))
        rows.append((f"{ANALYTICS}.{model.name}", *shown))
    print_table(["model", "what it is", "grain", "key"], rows)
    with open_published(settings) as connection:
        results = sql_models.run_checks(connection)
        version = properties.get(connection, properties.CUSTOM_MODELS) or ""
        own_results, wrong = custom.run_own_checks(connection, settings.models_dir)
    for result in [*results, *own_results]:
        passed = result.offending_rows == 0
        mark = click.style("holds", "green") if passed else click.style("broken", "red")
        how = "" if passed else f": see the rows with the query in {result.path}"
        click.echo(f"{mark}  {printable(result.check + how)}")
    report = loader_state(settings).report()
    wrong = [*(report.model_errors if report else own.errors), *wrong]
    for error in wrong:
        click.echo(f"{click.style('wrong', 'red')}  {printable(error)}")
    if version != own.fingerprint:
        click.echo("Your models changed since the last load: run `fluents-warehouse load`.")
    if wrong or any(result.offending_rows for result in [*results, *own_results]):
        raise click.exceptions.Exit(1)
