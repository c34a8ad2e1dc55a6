"""What the README says is true: its settings, tables and models. `tests/recipes` run its code."""

from __future__ import annotations

import re
from pathlib import Path

from fluents_connector import __version__
from fluents_connector.settings import Settings
from fluents_pipelines.models.built_in import models
from fluents_pipelines.tables import ALL_TABLES
from tests.recipes.readme import README, blocks, section

ROOT = Path(__file__).parents[1]


def test_every_setting_is_in_the_settings_table_and_no_other() -> None:
    first_cells = re.findall(r"^\| (`[^|]*) \|", section("Settings"), re.MULTILINE)
    named = {name.strip("[]") for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)}
    assert named == set(Settings.model_fields)


def test_every_table_and_model_is_named_in_its_section() -> None:
    assert all(f"`{table.name}`" in section("Tables") for table in ALL_TABLES)
    assert all(f"`{model.name}`" in section("Models") for model in models())


def test_all_python_code_is_in_the_sections_whose_code_is_run() -> None:
    run = [*blocks("Recipes", "python"), *blocks("Scheduling", "python")]
    assert README.count("```python") == len(run)


def test_the_changelog_has_a_place_for_what_comes() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog or f"## [{__version__}]" in changelog
