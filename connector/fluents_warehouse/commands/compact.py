"""`compact`: the same warehouse in a smaller file."""

from __future__ import annotations

from pathlib import Path

import click

from fluents_warehouse.options import config_option, require_buffer


@click.command()
@config_option
def compact(config: Path | None) -> None:
    """Write the loader's file anew, so that it takes less space, and publish it.

    For a warehouse that an older version began, which compressed less. Stop `run` or
    `load --every` before; `serve` can go on. It takes as long as copying all of the file, and
    meanwhile as much room as the new file. Ends with status 3 while a load is running.
    """
    from fluents_connector.logs import configure_logs
    from fluents_connector.settings import load_settings
    from fluents_pipelines.load import Loader
    from fluents_pipelines.warehouse import compact

    settings = load_settings(config)
    configure_logs(settings.log_format)
    require_buffer(settings)
    before, after = compact(settings)
    click.echo(f"The loader's file took {before:,} bytes and now takes {after:,}.")
    with Loader(settings) as loader:
        published = loader.load(is_last=True).published
    if published:
        click.echo(f"Published {settings.warehouse_path}.")
