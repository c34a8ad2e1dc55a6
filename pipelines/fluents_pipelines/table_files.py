"""The SQL files of the tables, each with the table that it makes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import sqlglot

from fluents_connector.errors import ModelError
from fluents_pipelines.sql_files import SqlFile, in_order, read_folder, sql_folder
from fluents_pipelines.tables import BY_NAME, Table

TableFile = tuple[SqlFile, Table]


def read_table_files(folder: Path | None = None) -> list[TableFile]:
    """The SQL of each table, in the order in which it is run: that of `sql/tables` by default."""
    files = in_order(read_folder(folder or sql_folder() / "tables"))
    for file in files:
        if file.name not in BY_NAME:
            raise ModelError(f"{file.path} names no table of fluents_pipelines/tables.py.")
    return [(file, BY_NAME[file.name]) for file in files]


def fingerprint(files: Sequence[TableFile] | None = None) -> str:
    """Changes when the SQL or a table's columns do; comments and layout do not count."""
    files = read_table_files() if files is None else files
    macros = (sql_folder() / "macros.sql").read_text(encoding="utf-8")
    parts = [
        *(
            f"{table.name} {table.key} {[(c.name, c.data_type) for c in table.columns]}"
            for _, table in files
        ),
        *(
            token.text
            for sql in (macros, *(file.sql for file, _ in files))
            for token in sqlglot.tokenize(sql, read="duckdb")
        ),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
