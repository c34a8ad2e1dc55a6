"""SQL that runs again and again, parsed once: for few rows DuckDB 2 parses as long as it runs."""

from __future__ import annotations

from functools import lru_cache

import duckdb


@lru_cache(maxsize=256)
def parsed(sql: str) -> duckdb.Statement:
    """One statement, for any connection to run in place of its text.

    Only the text is kept, and no plan: each run binds the names anew. Raises `duckdb.Error`.
    """
    with duckdb.connect() as parser:
        (statement,) = parser.extract_statements(sql)
    return statement
