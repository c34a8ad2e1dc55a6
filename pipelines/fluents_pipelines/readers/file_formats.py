"""How the columns of a query or a table are written to files, by DuckDB's own writers.

A file is what DuckDB's `COPY … TO` makes of it, but for three things:

- Parquet has no integer of 128 bits, and DuckDB would write it, which each `sum` is, as a double.
  It is written as `DECIMAL(38, 0)`, and what is greater is an error.
- JSON in Parquet is text, which every reader knows.
- CSV for a spreadsheet may be made harmless: see `defused`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from duckdb.sqltypes import DuckDBPyType

from fluents_pipelines.sql_text import identifier

# OWASP, "CSV Injection", and the wide forms of these signs
STARTS_OF_FORMULAS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_NUMBERS = frozenset(
    ("tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger",
     "ubigint", "uhugeint", "bignum", "float", "double", "decimal", "boolean")
)  # fmt: skip
_PLAIN_NUMBER = r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?"
# a name is in quotes, or comes before its type
_NAME_OR_TYPE = re.compile(r"""("(?:[^"]|"")*"|'(?:[^']|'')*')|\b(?:U?HUGEINT|JSON)(?=[,)\[]|$)""")


def parquet_columns(names: Sequence[str], types: Sequence[DuckDBPyType]) -> str:
    """The select list that gives columns for Parquet what Parquet can hold of them."""
    columns = []
    for number, (name, type_) in enumerate(zip(names, types, strict=True), 1):
        # by its number, as two columns may have one name
        held = _NAME_OR_TYPE.sub(_held, str(type_))
        cast = "" if held == str(type_) else f"::{held}"
        columns.append(f"#{number}{cast} as {identifier(name)}")
    return ", ".join(columns)


def defused(names: Sequence[str], types: Sequence[DuckDBPyType]) -> str:
    """The select list in which no text, and no name, starts as a spreadsheet's formula does.

    Such text gets an apostrophe in front. Numbers stay as they are, in text too, such as a phone
    number with its `+`.
    """
    columns = []
    for number, (name, type_) in enumerate(zip(names, types, strict=True), 1):
        column = text = f"#{number}"  # as two columns may have one name
        if type_.id not in _NUMBERS:
            text = f"{column}::varchar"
            text = (
                f"case when contains('{STARTS_OF_FORMULAS}', left({text}, 1)) and {text} <> ''"
                f" and not regexp_full_match({text}, '{_PLAIN_NUMBER}')"
                f" then '''' || {text} else {text} end"
            )
        harmless = f"'{name}" if name[0] in STARTS_OF_FORMULAS else name
        columns.append(f"{text} as {identifier(harmless)}")
    return ", ".join(columns)


def _held(match: re.Match[str]) -> str:
    if match[1]:  # the name of a struct's field, or a word of an enum
        return match[1]
    return "VARCHAR" if match[0] == "JSON" else "DECIMAL(38,0)"
