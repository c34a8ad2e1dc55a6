"""Imports go one way, so that a receiver needs neither dlt nor DuckDB in its memory."""

from __future__ import annotations

import ast
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import fluents_connector
import fluents_dashboard
import fluents_pipelines
import fluents_warehouse

HEAVY = {"dlt", "duckdb", "fluents_pipelines", "pyarrow", "sqlglot"}
"""What a receiver must not have in its memory."""

CONNECTOR = (
    *(
        "addresses",
        "errors",
        "printing",
        "permissions",
        "files",
        "process",
        "logs",
        "delivery",
        "redaction",
    ),
    *("locking", "settings", "loader_state", "buffer", "receiver", "sender", "alerts", "simulator"),
)
PIPELINES = (
    *(
        "sql_text",
        "sql_files",
        "parsed_sql",
        "memory",
        "disk_space",
        "transactions",
        "tables",
        "table_files",
    ),
    *("delivery_rows", "warehouse", "normalize", "models", "batches", "source", "reporting"),
    *("replay", "derivation", "resume", "batch_loader", "readers", "load", "alerts"),
)
"""The parts, each of which may import those before it, and nothing after it."""

FOR_PIPELINES = {
    *("buffer", "delivery", "errors", "files", "loader_state", "locking", "logs", "permissions"),
    *("printing", "settings"),
}
"""The parts of the connector that the pipelines may use."""

MODULES = [
    module.name
    for module in pkgutil.walk_packages(fluents_connector.__path__, "fluents_connector.")
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


def sources(package: ModuleType) -> list[Path]:
    return sorted(Path(package.__path__[0]).rglob("*.py"))


def test_there_are_modules_to_look_at() -> None:
    assert {
        "fluents_connector.receiver.app",
        "fluents_connector.receiver.server",
        "fluents_connector.buffer.sqlite.buffer",
    } <= set(MODULES)
    assert "fluents_connector.simulator" in MODULES


def test_the_connector_imports_neither_the_pipelines_nor_their_engines() -> None:
    imported = imported_by(*MODULES)
    assert {"fluents_connector", "flask", "granian"} <= imported
    assert imported & HEAVY == set()


@pytest.mark.parametrize("module", ["fluents_warehouse.cli", "fluents_warehouse.__main__"])
def test_the_command_line_starts_without_the_engines(module: str) -> None:
    assert imported_by(module) & HEAVY == set()


@pytest.mark.parametrize(
    "module", ["fluents_warehouse.cli", "fluents_connector.simulator", "fluents_connector.sender"]
)
def test_a_sender_needs_no_server(module: str) -> None:
    assert imported_by(module) & {"flask", "granian"} == set()


def test_the_connector_imports_the_heavy_ones_not_even_lazily() -> None:
    wrong = [
        f"{path} imports {name}"
        for path in sources(fluents_connector)
        for name in imports_in(path)
        if name.split(".")[0] in HEAVY
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("package", "order"),
    [(fluents_connector, CONNECTOR), (fluents_pipelines, PIPELINES)],
    ids=["connector", "pipelines"],
)
def test_each_part_imports_only_those_before_it(
    package: ModuleType, order: tuple[str, ...]
) -> None:
    folder = Path(package.__path__[0])
    wrong, parts = [], set()
    for path in sources(package):
        part = path.relative_to(folder).with_suffix("").parts[0]
        if part == "__init__":
            continue
        parts.add(part)
        for name in imports_in(path):
            top, _, rest = name.partition(".")
            other = rest.partition(".")[0]
            if (
                top == package.__name__
                and other in order
                and other
                not in (
                    part,
                    *order[: order.index(part)],
                )
            ):
                wrong.append(f"{path.relative_to(folder)} imports {name}")
    assert wrong == []
    assert parts == set(order)


def test_none_imports_the_command_line() -> None:
    assert {path.name for path in sources(fluents_warehouse)} >= {"cli.py", "load.py"}
    for package in (fluents_connector, fluents_dashboard, fluents_pipelines):
        for path in sources(package):
            assert not any(name.startswith("fluents_warehouse") for name in imports_in(path)), path


def test_the_dashboard_uses_settings_errors_and_readers_only() -> None:
    allowed = {
        "fluents_connector": {"__version__", "addresses", "errors", "logs", "process", "settings"},
        "fluents_pipelines": {"readers"},
    }
    used = {
        (path.name, *name.split(".")[:2])
        for path in sources(fluents_dashboard)
        for name in imports_in(path)
        if name.startswith("fluents_") and "." in name
    }
    assert any(top == "fluents_pipelines" for _, top, _ in used)
    assert [
        one for one in used if one[1] != "fluents_dashboard" and one[2] not in allowed[one[1]]
    ] == []
    assert imported_by("fluents_dashboard.app") & {"dlt", "pyarrow", "sqlglot"} == set()
    assert imported_by("fluents_dashboard.server") & {*HEAVY, "flask"} == set()


def test_the_pipelines_use_the_connectors_buffer_settings_and_errors_only() -> None:
    found = [
        (path.name, name.split("."))
        for path in sources(fluents_pipelines)
        for name in imports_in(path)
        if name.split(".")[0] == "fluents_connector"
    ]
    assert found
    assert [
        f"{file} imports {'.'.join(parts)}"
        for file, parts in found
        if len(parts) < 2 or parts[1] not in FOR_PIPELINES
    ] == []


def test_only_sqlites_buffer_knows_sqlite_and_one_place_chooses_it() -> None:
    own, using, choosing = set(), set(), set()
    for package in (fluents_connector, fluents_pipelines, fluents_warehouse):
        root = Path(package.__path__[0]).parent
        for path in sources(package):
            module, names = path.relative_to(root).as_posix(), set(imports_in(path))
            is_own = module.startswith("fluents_connector/buffer/sqlite/")
            if "sqlite3" in names:
                (own if is_own else using).add(module)
            if not is_own and any("buffer.sqlite" in name for name in names):
                choosing.add(module)
    assert len(own) > 5
    assert using == set()
    assert choosing == {"fluents_connector/buffer/__init__.py"}


def test_only_postgress_buffer_knows_psycopg_and_one_place_chooses_it() -> None:
    using, choosing = set(), set()
    for package in (fluents_connector, fluents_pipelines, fluents_warehouse):
        root = Path(package.__path__[0]).parent
        for path in sources(package):
            module, names = path.relative_to(root).as_posix(), set(imports_in(path))
            is_own = module.startswith("fluents_connector/buffer/postgres/")
            if not is_own and any(name.startswith("psycopg") for name in names):
                using.add(module)
            if not is_own and any("buffer.postgres" in name for name in names):
                choosing.add(module)
    assert using == choosing == {"fluents_connector/buffer/__init__.py"}


def test_a_receiver_of_another_buffer_needs_no_psycopg() -> None:
    others = [module for module in MODULES if "buffer.postgres" not in module]
    assert len(others) < len(MODULES)
    assert "psycopg" not in imported_by(*others)


def test_the_receiver_and_the_command_line_ask_the_buffer_and_not_its_path() -> None:
    folders = ("fluents_connector/receiver", "fluents_warehouse")
    connector = Path(fluents_connector.__path__[0]).parent
    read = [path for folder in folders for path in (connector / folder).rglob("*.py")]
    assert len(read) > 20
    for path in read:
        assert "buffer_file" not in path.read_text(encoding="utf-8"), path
        assert "buffer_path" not in path.read_text(encoding="utf-8"), path
