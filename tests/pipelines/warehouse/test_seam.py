"""What only one kind of warehouse has stays in that one's folder: read from the sources."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import fluents_dashboard
import fluents_pipelines
import fluents_warehouse
from fluents_pipelines.sql_files import shipped_folder

PIPELINES = Path(fluents_pipelines.__path__[0])
COMMANDS = Path(fluents_warehouse.__path__[0])
FILE = PIPELINES / "warehouse" / "duckdb_file"
CATALOG = re.compile(r"duckdb_(?:columns|constraints|indexes|schemas|tables|views)\(\)")
IN_PYTHON = sorted({*PIPELINES.rglob("*.py"), *COMMANDS.rglob("*.py")})
OUTSIDE = [path for path in IN_PYTHON if FILE not in path.parents]
IN_SQL = sorted(
    path
    for folder in (shipped_folder("sql"), Path(fluents_dashboard.__path__[0]))
    for path in folder.rglob("*.sql")
    if path.name != "serving.sql"  # it shows its clients a catalog of its own
)


def texts(path: Path) -> Iterator[str]:
    """Each string of a Python file as it is written, parts that follow each other as one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inside:
            yield node.value


def statements() -> list[tuple[Path, str]]:
    """SQL with all other strings: those outside of the file's own folder, and the SQL files."""
    found = [(path, text) for path in OUTSIDE for text in texts(path)]
    return found + [(path, path.read_text(encoding="utf-8")) for path in IN_SQL]


def imports_of_the_file(path: Path) -> list[str]:
    return re.findall(r"^\s*from (\S*duckdb_file\S*) import", path.read_text("utf-8"), re.M)


def uses_of_the_path(path: Path) -> Iterator[ast.AST]:
    """Where a file of code uses the setting otherwise than to print it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    printed = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "click.echo"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        is_it = isinstance(node, ast.Attribute) and node.attr == "warehouse_path"
        if is_it and node not in printed:
            yield node


def test_there_are_sources_to_read() -> None:
    names = {path.name for path in OUTSIDE}
    assert {"load.py", "replay.py", "export.py", "sql_server.py", "query.py", "demo.py"} <= names
    assert {"calls.sql", "call_summary.sql", "extent.sql"} <= {path.name for path in IN_SQL}
    assert sum(len(CATALOG.findall(text)) for _, text in statements()) >= 8
    assert any(imports_of_the_file(path) for path in OUTSIDE)
    assert any(list(uses_of_the_path(path)) for path in IN_PYTHON)


def test_only_the_choice_of_the_warehouse_knows_its_implementation() -> None:
    knowing = {path.relative_to(PIPELINES.parent) for path in OUTSIDE if imports_of_the_file(path)}
    assert {str(path) for path in knowing} == {"fluents_pipelines/warehouse/__init__.py"}


def test_the_path_of_the_file_is_used_by_the_file_and_printed_for_people() -> None:
    # `status` shows the path, and when the file at it was published
    using = {path.name for path in OUTSIDE if list(uses_of_the_path(path))}
    assert using <= {"status.py"}


@pytest.mark.parametrize("word", ["rowid", "merge_action"])
def test_a_word_that_not_every_warehouse_knows_is_not_used(word: str) -> None:
    assert [path for path, text in statements() if re.search(rf"\b{word}\b", text)] == []


def test_no_merge_returns_rows() -> None:
    merging = [
        text for path in IN_PYTHON for text in texts(path) if re.search(r"\bmerge into\b", text)
    ]
    assert merging
    assert [text for text in merging if re.search(r"\breturning\b", text)] == []


def test_the_catalog_is_asked_about_one_database() -> None:
    # others are attached beside it: published files, and what a refresh of models works on
    asking = [(path, text) for path, text in statements() if CATALOG.search(text)]
    assert [
        f"{path}: {text}"
        for path, text in asking
        if len(CATALOG.findall(text)) > text.count("database_name = ")
    ] == []
