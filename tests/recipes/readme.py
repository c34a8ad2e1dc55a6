"""The code of the README, and how a reader of it would run that."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.processes import environment

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
PROGRAMS = Path(sys.executable).parent


def section(title: str) -> str:
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def blocks(title: str, language: str) -> list[str]:
    """The fenced blocks of one language in a section."""
    return re.findall(rf"```{language}\n(.*?)```", section(title), re.DOTALL)


def named(title: str, language: str, *names: str) -> dict[str, str]:
    """The same, by names; each block has one, so that none is left out."""
    return dict(zip(names, blocks(title, language), strict=True))


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
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def run_python(folder: Path, code: str) -> str:
    return run(folder, sys.executable, "-W", "error::ResourceWarning", "-c", code)


def run_shell(folder: Path, code: str) -> str:
    return run(folder, "bash", "-euc", code)
