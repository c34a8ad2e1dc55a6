"""The private names of dlt that are used: they may go with any minor version of it."""

from __future__ import annotations

import ast
import tomllib
from importlib.metadata import version
from pathlib import Path

import dlt
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.insert_job_client import InsertValuesLoadJob
from packaging.requirements import Requirement

import fluents_pipelines
from fluents_pipelines.warehouse.duckdb_file.destination import KeyedDuckDbClient

PACKAGE = Path(fluents_pipelines.__path__[0])
USED = {"_get_load_storage", "_sql_client", "_insert"}
OVERRIDDEN = {"_create_merge_followup_jobs"}


def test_the_minor_version_that_is_tested_is_the_only_one_installed() -> None:
    pyproject = tomllib.loads((PACKAGE.parents[1] / "pyproject.toml").read_text("utf-8"))
    found = map(Requirement, pyproject["project"]["dependencies"])
    (required,) = (requirement for requirement in found if requirement.name == "dlt")
    major, minor, _ = version("dlt").split(".", 2)
    assert f"{major}.{minor}.0" in required.specifier
    assert f"{major}.{minor}.99" in required.specifier
    assert f"{major}.{int(minor) + 1}.0" not in required.specifier
    assert f"{major}.{int(minor) - 1}.99" not in required.specifier


def test_no_other_private_name_is_used() -> None:
    used = set()
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text("utf-8")
        if "import dlt" not in text and "from dlt" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            is_private = isinstance(node, ast.Attribute) and node.attr.startswith("_")
            if is_private and not node.attr.startswith("__") and ast.unparse(node.value) != "self":
                used.add(node.attr)
    assert used == USED
    ours = {name for name, value in vars(KeyedDuckDbClient).items() if callable(value)}
    private = {name for name in ours if name.startswith("_") and not name.endswith("__")}
    assert private & set(dir(DuckDbClient)) == OVERRIDDEN


def test_dlt_has_them() -> None:
    assert callable(dlt.Pipeline._get_load_storage)
    assert callable(InsertValuesLoadJob._insert)
    assert "_sql_client" in InsertValuesLoadJob._insert.__code__.co_names
    assert callable(DuckDbClient._create_merge_followup_jobs)
