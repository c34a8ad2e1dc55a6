"""Imports go one way, so that a receiver needs neither dlt nor DuckDB in its memory."""

from __future__ import annotations

import ast
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import connector
import pipelines

HEAVY = {"dlt", "duckdb", "pipelines", "pyarrow", "sqlglot"}
FOR_PIPELINES = {
    "buffer",
    "delivery",
    "errors",
    "load_report",
    "payload_fields",
    "permissions",
    "printing",
    "replay_request",
    "settings",
}
MODULES = [
    module.name
    for module in pkgutil.walk_packages(connector.__path__, "connector.")
    if module.name != "connector.__main__" and not module.name.startswith("connector.cli")
]
IMPORT = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def imported_by(*modules: str) -> set[str]:
    """The packages that a fresh process has imported after `modules`."""
    ended = subprocess.run(
        [sys.executable, "-c", IMPORT, *modules], capture_output=True, text=True, check=True
    )
    return set(json.loads(ended.stdout))


def imports_in(path: Path) -> Iterator[str]:
    """What the source of a file imports, at any depth of it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where they go"
            yield str(node.module)
            yield from (f"{node.module}.{name.name}" for name in node.names)


def sources(package_path: str) -> list[Path]:
    return sorted(Path(package_path).rglob("*.py"))


def test_there_are_modules_to_look_at() -> None:
    assert {"connector.receiver", "connector.server", "connector.buffer.sqlite"} <= set(MODULES)
    assert "connector.simulator" in MODULES


def test_the_connector_imports_neither_the_pipelines_nor_their_engines() -> None:
    imported = imported_by(*MODULES)
    assert {"connector", "flask", "granian"} <= imported
    assert imported & HEAVY == set()


@pytest.mark.parametrize("module", ["connector.cli", "connector.__main__"])
def test_the_command_line_starts_without_the_engines(module: str) -> None:
    assert imported_by(module) & HEAVY == set()


@pytest.mark.parametrize("module", ["connector.cli", "connector.simulator", "connector.sender"])
def test_a_sender_needs_no_server(module: str) -> None:
    assert imported_by(module) & {"flask", "granian"} == set()


def test_not_even_lazily_do_the_sources_outside_the_command_line_import_them() -> None:
    folder = Path(connector.__path__[0])
    wrong = [
        f"{path.relative_to(folder)} imports {name}"
        for path in sources(connector.__path__[0])
        if path.relative_to(folder).parts[0] != "cli"
        for name in imports_in(path)
        if name.split(".")[0] in HEAVY
    ]
    assert wrong == []


def test_the_pipelines_use_the_connectors_buffer_settings_and_errors_only() -> None:
    found = [
        (path.name, name.split("."))
        for path in sources(pipelines.__path__[0])
        for name in imports_in(path)
        if name.split(".")[0] == "connector"
    ]
    assert found
    assert [
        f"{file} imports {'.'.join(parts)}"
        for file, parts in found
        if len(parts) < 2 or parts[1] not in FOR_PIPELINES
    ] == []
