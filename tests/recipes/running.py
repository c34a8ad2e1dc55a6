"""Runs the code that the pages show, as a reader of them would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.processes import environment

PROGRAMS = Path(sys.executable).parent


def variables(folder: Path, **more: str) -> dict[str, str]:
    """An environment in which our programs are on the path, and nothing leaves the folder."""
    path = f"{PROGRAMS}:/usr/bin:/bin"
    quiet = {"DAGSTER_DISABLE_TELEMETRY": "yes", "RUNTIME__DLTHUB_TELEMETRY": "false"}
    return environment(PATH=path, DLT_DATA_DIR=str(folder / "dlt"), BROWSER="true", **quiet, **more)


def run(folder: Path, *command: str) -> str:
    """What a command prints that is run in `folder` and must succeed."""
    ended = subprocess.run(
        command,
        cwd=folder,
        env=variables(folder),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def run_python(folder: Path, code: str) -> str:
    return run(folder, sys.executable, "-W", "error::ResourceWarning", "-c", code)


def run_shell(folder: Path, code: str) -> str:
    return run(folder, "bash", "-euc", code)
