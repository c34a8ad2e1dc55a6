"""`buffer`: looking the staging buffer over, and recovering a damaged one."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluents_warehouse.options import config_option, require_buffer

if TYPE_CHECKING:
    from fluents_connector.buffer import BufferStore, Recovered


@click.group()
def buffer() -> None:
    """The staging buffer: is it whole, and how to save a damaged one."""


@buffer.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")
@config_option
def check(as_json: bool, config: Path | None) -> None:
    """Look whether the buffer is whole, and whether the warehouse holds what it should.

    Reads everything and changes nothing. A receiver may run meanwhile; one that starts may answer
    503 until the file is read. Ends with status 1 and says what to do if anything is wrong.
    """
    from fluents_connector.buffer import buffer_store
    from fluents_connector.settings import load_settings
    from fluents_pipelines.readers.warehouse_check import check_warehouse

    settings = load_settings(config)
    require_buffer(settings)
    store = buffer_store(settings)
    is_right = True
    for finding in chain(store.findings(), check_warehouse(store, settings)):
        is_right = is_right and finding.is_right
        if as_json:
            click.echo(json.dumps(asdict(finding)))
        else:
            word = "ok" if finding.is_right else "wrong"
            click.echo(f"{word:5}  {finding.subject:10}  {finding.detail}")
            if finding.advice:
                click.echo(f"       → {finding.advice}")
    if not is_right:
        raise click.exceptions.Exit(1)


@buffer.command()
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Add what can be read of this file, which was set aside before.",
)
@config_option
def recover(source: Path | None, config: Path | None) -> None:
    """Set a damaged buffer aside and put what can be read of it in its place.

    The damaged file is kept beside it. The receiver may run: it goes on with the new file. The
    next load loads all of it; what the warehouse has already, it recognises.
    """
    from fluents_connector.buffer import buffer_store
    from fluents_connector.settings import load_settings

    settings = load_settings(config)
    store = buffer_store(settings)
    if store.recovery_is_unfinished():
        click.echo("Finishing a recovery that was begun before.")
        if (finished := store.finish_recovery()) is not None:
            _tell(finished)
            return
    require_buffer(settings)
    if source is not None:
        _tell(store.recover_from(source))
        return
    if _is_whole(store):
        click.echo(f"{store.description} is not damaged; it was left as it is.")
        return
    result = store.recover(_stamp())
    _tell(result)
    click.echo(f"The damaged file is {result.set_aside}.")


@buffer.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace FILE if it is there.")
@config_option
def backup(file: Path, overwrite: bool, config: Path | None) -> None:
    """Write the buffer to FILE: one file of one moment, readable by you only.

    Receiver and loader may run meanwhile; a receiver that starts may answer 503 until it is done.
    """
    from fluents_connector.buffer import buffer_store
    from fluents_connector.settings import load_settings

    settings = load_settings(config)
    require_buffer(settings)
    deliveries = buffer_store(settings).backup(file, overwrite=overwrite)
    click.echo(f"Wrote {deliveries:,} deliveries to {file}.")


@buffer.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@config_option
def restore(file: Path, config: Path | None) -> None:
    """Put the backup in FILE in the place of the buffer, which is kept beside it.

    Stop the receiver and the loader first. The next load notices, and loads all of the backup
    again: what the warehouse has already, it recognises.
    """
    from fluents_connector.buffer import buffer_store
    from fluents_connector.settings import load_settings

    store = buffer_store(load_settings(config))
    result = store.restore(file, _stamp())
    click.echo(f"Restored {result.deliveries:,} deliveries to {store.description}.")
    if result.set_aside is not None:
        click.echo(
            f"The former buffer is {result.set_aside}. To add what only that one has:\n"
            f"  fluents-warehouse buffer recover --from {result.set_aside}"
        )


def _tell(result: Recovered) -> None:
    click.echo(f"Recovered {result.copied:,} deliveries.")
    if result.changed:
        click.echo(
            f"Of {result.changed:,} the body has changed: see `fluents-warehouse quarantine list`."
        )
    if result.unreadable:
        click.echo(f"Up to {result.unreadable:,} deliveries could not be read.")


def _is_whole(store: BufferStore) -> bool:
    return all(finding.is_right for finding in store.findings() if finding.subject != "identity")


def _stamp() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
