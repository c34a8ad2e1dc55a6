"""Custom models: views of the user beside the built-in ones in `analytics`, made after them.

`models_dir` holds them, one `SELECT` a file, and their checks in `checks/` below it. The files are
the operator's code, and DuckDB runs them as such. One with an error is reported by its file
and line, and is not there; it stops neither a load nor the other models.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import duckdb
import structlog

from fluents_connector.errors import ModelError
from fluents_pipelines.models.built_in import CheckResult, describe, relations, run_checks
from fluents_pipelines.models.scope import ANALYTICS
from fluents_pipelines.sql_files import (
    SqlFile,
    explained,
    line_of_references,
    not_one_select,
    parse_file,
)
from fluents_pipelines.sql_text import identifier

NAME = re.compile(r"[a-z][a-z0-9_]*")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CustomFiles:
    """The files that could be read, and what is wrong with the others."""

    files: list[SqlFile]
    errors: list[str]

    @property
    def fingerprint(self) -> str:
        """Changes when a file does."""
        if not (self.files or self.errors):
            return ""
        text = repr(([(file.path.name, file.sql) for file in self.files], self.errors))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def read(folder: Path | None, setting: str = "models_dir") -> CustomFiles:
    """The files in the folder of a setting; none where no folder is set."""
    if folder is None:
        return CustomFiles([], [])
    try:
        return _read(folder)
    except OSError as error:
        why = f"{setting} cannot be read: {error.strerror}. Make the folder or change the setting."
        return CustomFiles([], [f"{folder}: {why}"])


def read_checks(folder: Path | None) -> CustomFiles:
    """The checks of the custom models."""
    checks = folder and folder / "checks"
    return read(checks) if checks and checks.exists() else CustomFiles([], [])


def build(
    connection: duckdb.DuckDBPyConnection, files: CustomFiles, built_in_names: Collection[str]
) -> list[str]:
    """Makes the views anew, drops those whose file is gone, and returns what is wrong.

    `built_in_names` are taken.
    """
    there = relations(connection)
    for name, kind in there.items():
        if kind == "view" and name not in built_in_names:
            connection.execute(f"drop view {ANALYTICS}.{identifier(name)}")
    taken = {*built_in_names, *(name for name, kind in there.items() if kind == "table")}
    errors = list(files.errors)
    sound = []
    for file in files.files:
        if problem := not_one_select(connection, file) or _name_problem(file, taken):
            errors.append(problem)
        else:
            sound.append(file)
    for file in _in_order(sound, errors):
        try:
            connection.execute(f"create view {ANALYTICS}.{identifier(file.name)} as {file.sql}")
            describe(connection, file, "view")
        except duckdb.Error as error:
            errors.append(explained(file, error))
    return sorted(errors)


def run_custom_checks(
    connection: duckdb.DuckDBPyConnection, folder: Path | None
) -> tuple[list[CheckResult], list[str]]:
    """What each custom check finds, and what is wrong with the others."""
    checks = read_checks(folder)
    results, errors = [], list(checks.errors)
    for check in checks.files:
        if problem := not_one_select(connection, check):
            errors.append(problem)
            continue
        try:
            results += run_checks(connection, [check])
        except ModelError as error:
            errors.append(str(error))
    return results, errors


def _read(folder: Path) -> CustomFiles:
    files, errors = [], []
    for path in sorted(folder.iterdir()):
        if path.suffix != ".sql" or path.name.startswith("."):  # editors keep theirs so
            continue
        try:
            files.append(parse_file(path, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            errors.append(f"{path}:{line}: this is no UTF-8. Save the file as UTF-8.")
        except OSError as error:
            errors.append(f"{path}:1: it cannot be read: {error.strerror}.")
    return CustomFiles(files, errors)


def _name_problem(file: SqlFile, taken: Collection[str]) -> str | None:
    if file.name in taken:
        what = "is the name of a model of fluents-warehouse. Rename the file."
    elif not NAME.fullmatch(file.name):
        what = "cannot be a model's name. Name the file in a-z, 0-9 and _, a letter first."
    elif file.is_table:
        what = "cannot be a table: models of your own are views. Remove `materialized: table`."
    else:
        return None
    return f"{file.path}:1: `{file.name}` {what}"


def _in_order(files: Iterable[SqlFile], errors: list[str]) -> list[SqlFile]:
    """Each after those that it selects from; adds those that select from each other to errors."""
    left = {file.name: file for file in files}
    while True:
        lines = {name: line_of_references(file, ANALYTICS) for name, file in left.items()}
        graph = {name: found.keys() & left.keys() for name, found in lines.items()}
        try:
            return [left[name] for name in TopologicalSorter(graph).static_order()]
        except CycleError as error:
            circle = error.args[1]
            # graphlib names each before those that select from it
            for one, other in zip(circle[1:], circle, strict=False):
                errors.append(
                    f"{left[one].path}:{lines[one][other]}: these models select from each other: "
                    f"{' → '.join(reversed(circle))}."
                )
            for name in set(circle):
                del left[name]
