"""`fluents-warehouse notebook` as a command."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.processes import environment, write_settings

Command = Callable[..., subprocess.CompletedProcess[str]]


def test_without_its_extra_the_notebook_says_what_to_install(tmp_path: Path) -> None:
    write_settings(tmp_path)
    code = (
        "import sys; sys.modules['jupyterlab'] = None; sys.argv[1:] = ['notebook'];"
        "from fluents_warehouse.cli import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == (
        "Error: This needs jupyterlab: pip install 'fluents-warehouse[notebook]', "
        "or pip install '.[notebook]' in a clone.\n"
    )


def test_the_notebook_is_put_beside_the_warehouse_and_one_that_is_there_stays(
    command: Command, tmp_path: Path, empty: Path
) -> None:
    write_settings(tmp_path)
    shutil.copyfile(empty, tmp_path / "fluents_warehouse.duckdb")
    assert command("notebook", "--no-open").returncode == 0
    copy = tmp_path / "first_questions.ipynb"
    assert '"cells"' in copy.read_text()
    copy.write_text("mine")
    assert command("notebook", "--no-open").returncode == 0
    assert copy.read_text() == "mine"
