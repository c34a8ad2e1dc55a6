"""Texts and names as SQL and JSON paths write them, for statements that take no parameters."""

from __future__ import annotations


def literal(text: str) -> str:
    """`text` as a string of SQL."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """`name` as the name of a table or column, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def json_path(name: str) -> str:
    """A name of the settings as DuckDB's JSON functions take it: `a.b` is b within a."""
    # quotes keep any other character from meaning anything
    return "$" + "".join('."' + part.replace('"', '\\"') + '"' for part in name.split("."))
