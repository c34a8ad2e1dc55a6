"""`notebook`: the Jupyter notebook with the first questions, beside the warehouse."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from fluents_connector.errors import FluentsError
from fluents_warehouse.options import config_option


@click.command()
@click.option("--no-open", is_flag=True, help="Write the notebook and start no JupyterLab.")
@config_option
def notebook(no_open: bool, config: Path | None) -> None:
    """Open a Jupyter notebook with first questions to the warehouse.

    It is copied into the warehouse's folder, where you may change it; one that is there stays.
    """
    from fluents_connector.settings import load_settings
    from fluents_pipelines.readers.notebook_files import notebooks_folder, require
    from fluents_pipelines.warehouse import published

    if not no_open:
        require("notebook", "jupyterlab", "matplotlib", "pandas")
    warehouse = published(load_settings(config))
    copy = warehouse.folder / "first_questions.ipynb"
    if not copy.exists():
        try:
            shutil.copyfile(notebooks_folder() / copy.name, copy)
        except OSError as error:
            raise FluentsError(f"{copy} cannot be written: {error.strerror}.") from error
    click.echo(f"The notebook is {copy}")
    if no_open:
        return
    sys.stdout.flush()
    os.execve(  # noqa: S606 # JupyterLab takes this process's place, and its Ctrl-C
        sys.executable,
        [sys.executable, "-m", "jupyterlab", str(copy)],
        {**os.environ, "FLUENTS_WAREHOUSE_PATH": warehouse.location},
    )
