"""Finds the files below `sql/`, reads their headers, and orders them by their references."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import MappingProxyType

import duckdb

from fluents_connector.errors import ModelError

_LINE = re.compile(r"^LINE (\d+):", re.MULTILINE)  # of DuckDB's messages
_STEP = re.compile(r"\bsteps\.(\w+)")
_HEADER_LINE = re.compile(r"--\s?(.*)")
_HEADER_KEYS = "grain|key|questions|macros|materialized|needs|time|severity|says|link|limits"
_HEADER_KEY = re.compile(rf"({_HEADER_KEYS}):\s*(.*)", re.IGNORECASE)


@dataclass(frozen=True)
class SqlFile:
    """One `SELECT`: `name` is the file's, `description` the header's first sentences.

    `header` has the values of `grain:`, `key:`, `questions:` and so on by their names. Of what is
    kept as a table, `needs:` is what it gives no rows without, and `time:` its column that lies
    between the first and the last event of the row's call. `steps` are files too, each after those
    that it selects from, as `steps.name`.
    """

    name: str
    path: Path
    sql: str
    description: str
    header: dict[str, str]
    steps: tuple[SqlFile, ...] = ()

    @property
    def whole_sql(self) -> str:
        """The same `SELECT` with its steps inside."""
        if not self.steps:
            return self.sql
        steps = ",\n".join(f"{step.name} as (\n{step.sql})" for step in self.steps)
        return _STEP.sub(r"\1", f"with\n{steps}\nselect * from (\n{self.sql})")

    @property
    def is_table(self) -> bool:
        """Whether it is kept as a table, `materialized: table`, and not as a view."""
        return self.header.get("materialized") == "table"


def sql_folder() -> Path:
    """The folder `sql/`."""
    return shipped_folder("sql")


def shipped_folder(name: str) -> Path:
    """A folder that is beside the package in a checkout, and inside it in a wheel."""
    package = Path(__file__).parent
    inside = package / name
    return inside if inside.is_dir() else package.parents[1] / name


def read_folder(folder: Path) -> list[SqlFile]:
    """All `.sql` files of a folder, by name. Raises `ModelError` if there are none.

    The steps of a file are in a folder of its name.
    """
    files = []
    for path in sorted(folder.glob("*.sql")):
        file = parse_file(path, path.read_text(encoding="utf-8"))
        steps = path.with_suffix("")
        if steps.is_dir():
            file = replace(file, steps=tuple(in_order(read_folder(steps))))
        files.append(file)
    if not files:
        raise ModelError(f"There is no .sql file in {folder}. Install fluents-warehouse again.")
    return files


def in_order(files: Iterable[SqlFile]) -> list[SqlFile]:
    """The files, each after those that it selects from. Raises `ModelError` for a cycle."""
    by_name = {file.name: file for file in files}
    graph = {name: references(file) & by_name.keys() - {name} for name, file in by_name.items()}
    try:
        return [by_name[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise ModelError(
            f"These models select from each other: {' → '.join(error.args[1])}."
        ) from (error)


def references(file: SqlFile) -> set[str]:
    """The names of the tables and views that a file selects from, without their schema."""
    parsed = _parsed(file)
    found = {name for name, _, _ in parsed.tables} - parsed.defined_inside
    return found.union(*map(references, file.steps))


def line_of_references(file: SqlFile, schema: str) -> dict[str, int]:
    """The lines where a file selects from what is in `schema`, by names in lower case.

    Nothing for SQL that DuckDB may understand and sqlglot does not.
    """
    try:
        tables = _parsed(file).tables
    except ModelError:
        return {}
    return {name.lower(): line for name, of, line in tables if of.lower() == schema}


def first_line_of_sql(file: SqlFile) -> int:
    """The line that the header ends above."""
    lines = file.sql.splitlines()
    is_sql = (bool(line.strip()) and not line.lstrip().startswith("--") for line in lines)
    return next((number for number, is_it in enumerate(is_sql, 1) if is_it), 1)


def not_one_select(
    connection: duckdb.DuckDBPyConnection, file: SqlFile, what: str = "a model or check"
) -> str | None:
    """What is wrong with a file of the user, with its line, if it is not one `SELECT`."""
    try:
        statements = connection.extract_statements(file.sql)
    except duckdb.Error as error:
        return explained(file, error)
    if [statement.type for statement in statements] == [duckdb.StatementType.SELECT]:
        return None
    return f"{file.path}:{first_line_of_sql(file)}: {what} is one SELECT and no more."


def explained(file: SqlFile, error: duckdb.Error) -> str:
    """What DuckDB says of a file, in one line that begins with the file and its line."""
    message, _, excerpt = str(error).partition("\n\nLINE ")
    found = _LINE.search(f"LINE {excerpt}")
    line = int(found[1]) if found else first_line_of_sql(file)
    return f"{file.path}:{line}: {' '.join(message.split())}"


def column_comments(file: SqlFile) -> Mapping[str, str]:
    """For each column the comment above it in the file's last `select`.

    Under "" stands the comment above an `unnest`, which gives columns with names of their own.
    """
    return _parsed(file).column_comments


@dataclass(frozen=True)
class _Parsed:
    """What is asked of sqlglot's tree, which itself is too large to keep."""

    tables: tuple[tuple[str, str, int], ...]  # name, schema, line
    defined_inside: frozenset[str]
    column_comments: Mapping[str, str]


def _parsed(file: SqlFile) -> _Parsed:
    from sqlglot.errors import SqlglotError

    try:
        return _parse(file.sql)
    except (SqlglotError, RecursionError) as error:
        raise ModelError(f"{file.path}: {error}") from error


@lru_cache(maxsize=256)  # opening a warehouse and loading ask for the same files several times
def _parse(sql: str) -> _Parsed:
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(sql, dialect="duckdb")
    select = tree.find(exp.Select)
    comments: dict[str, str] = {}
    for column in select.selects if select else []:
        # a comment hangs on the first word of the expression that it stands above
        lines: list[str] = next(
            (part.comments for part in column.walk(bfs=False) if part.comments), []
        )
        comments[column.alias_or_name] = " ".join(line.strip() for line in lines)
    return _Parsed(
        tuple(
            (table.name, table.db, table.this.meta.get("line", 1))
            for table in tree.find_all(exp.Table)
        ),
        frozenset(cte.alias for cte in tree.find_all(exp.CTE)),
        MappingProxyType(comments),
    )


def parse_file(path: Path, text: str) -> SqlFile:
    """A file whose text is known: its header is taken apart."""
    description: list[str] = []
    header: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        match = _HEADER_LINE.fullmatch(line.strip())
        if match is None:
            break
        if found := _HEADER_KEY.fullmatch(match[1]):
            key = found[1].lower()
            header[key] = found[2]
        elif key:
            header[key] = f"{header[key]} {match[1].strip()}".strip()
        else:
            description.append(match[1].strip())
    return SqlFile(path.stem, path, text, " ".join(description).strip(), header)
