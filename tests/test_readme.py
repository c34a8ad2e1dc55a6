"""What the README says is true: its settings, tables and models, and its code, which is run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from connector import __version__
from connector.buffer import SqliteBuffer
from connector.settings import Settings, load_settings
from pipelines.load import Loader
from pipelines.models import models
from pipelines.tables import ALL_TABLES
from tests.deliveries import Clock, append_all, body
from tests.processes import environment, write_settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON_BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def section(title: str) -> str:
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_every_setting_is_in_the_settings_table_and_no_other() -> None:
    first_cells = re.findall(r"^\| (`[^|]*) \|", section("Settings"), re.MULTILINE)
    named = {name.strip("[]") for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)}
    assert named == set(Settings.model_fields)


def test_every_table_and_model_is_named_in_its_section() -> None:
    assert all(f"`{table.name}`" in section("Tables") for table in ALL_TABLES)
    assert all(f"`{model.name}`" in section("Models") for model in models())


@pytest.mark.parametrize(
    "code", PYTHON_BLOCKS, ids=[f"block {n}" for n in range(len(PYTHON_BLOCKS))]
)
def test_the_python_code_runs(code: str, tmp_path: Path, clock: Clock) -> None:
    assert len(PYTHON_BLOCKS) == 2
    write_settings(tmp_path)
    settings = load_settings(tmp_path / "fluents.toml")
    buffer = SqliteBuffer(settings.buffer_file)
    append_all(buffer, [body("event_transcript", {"transcript": "BOT: Hi."})], clock)
    buffer.close()
    with Loader(settings.model_copy(update={"buffer_keep_days": 36500})) as loader:
        loader.load()
    run = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code],
        cwd=tmp_path,
        env=environment(DLT_DATA_DIR=str(tmp_path / "dlt")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_the_changelog_has_a_place_for_what_comes() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog or f"## [{__version__}]" in changelog
