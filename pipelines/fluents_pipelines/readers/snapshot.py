"""One snapshot of the published warehouse, asked by many threads at once.

The file is replaced by rename at each publish. A snapshot keeps the one that it opened, so that
all answers belong together. It is attached to an engine of its own, because DuckDB would hand out
an engine that is still open under the same path.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from concurrent.futures import Future
from typing import Any

import duckdb

from fluents_connector.errors import QueryError
from fluents_connector.settings import Settings
from fluents_pipelines.sql_text import literal
from fluents_pipelines.warehouse import published

Row = dict[str, Any]
ROWS_AT_ONCE = 1_000
MOST_ANSWERS = 500  # that are kept: those of some fifty different pages


def newest_version(settings: Settings) -> Hashable | None:
    """Changes when another warehouse is published; None where none is."""
    return published(settings).version()


class Snapshot:
    """The published warehouse as it was when this was made, read-only, until `close`.

    `macros` are statements that make the macros its queries use. An answer is kept, so that many
    who ask the same make the engine work once: nobody may change its rows.
    """

    def __init__(self, settings: Settings, macros: str = "") -> None:
        """Raises `QueryError`."""
        warehouse = published(settings)
        self.version: Hashable = warehouse.version()  # before it is opened: an older one is noticed
        if self.version is None:
            raise QueryError(
                f"{warehouse.location} is not there yet. Run `fluents-warehouse load` first."
            )
        self._answers: OrderedDict[Hashable, Future[list[Row]]] = OrderedDict()
        self._lock = threading.Lock()
        self._begin = (
            f"set timezone = {literal(settings.time_zone)}; set search_path = 'warehouse,memory'"
        )
        self._engine = duckdb.connect(
            ":memory:",
            config={"python_enable_replacements": False, "memory_limit": settings.memory_limit},
        )
        try:
            self._engine.execute(f"attach {literal(warehouse.location)} as warehouse (read_only)")
            self._engine.execute(f"{self._begin}; {macros}")
            self._engine.execute("set enable_external_access = false")
        except duckdb.Error as error:
            self._engine.close()
            raise QueryError(f"{warehouse.location} cannot be opened: {error}") from error

    def close(self) -> None:
        """Gives the file back. No query may run."""
        self._engine.close()

    def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """The rows of one query, which takes from `parameters` what it names.

        Raises `QueryError`.
        """
        key = (sql, tuple(sorted(parameters.items())))
        with self._lock:
            answer = self._answers.get(key)
            is_first = answer is None
            if answer is None:
                answer = self._answers[key] = Future()
                if len(self._answers) > MOST_ANSWERS:
                    self._answers.popitem(last=False)
            self._answers.move_to_end(key)
        if is_first:
            try:
                names, batches = self.batches(sql, **parameters)
                answer.set_result(
                    [dict(zip(names, row, strict=True)) for batch in batches for row in batch]
                )
            except BaseException as error:
                answer.set_exception(error)
                with self._lock:
                    self._answers.pop(key, None)
        return answer.result()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of one's own, for what is more than a query. Close it."""
        cursor = self._engine.cursor()
        cursor.execute(self._begin)
        return cursor

    def batches(
        self, sql: str, **parameters: Any
    ) -> tuple[list[str], Iterator[list[tuple[Any, ...]]]]:
        """The columns of one query, and its rows some at a time. Raises `QueryError`."""
        cursor = self.cursor()
        try:
            (statement,) = cursor.extract_statements(sql)
            named = {name: parameters[name] for name in statement.named_parameters}
            cursor.execute(statement, named)
        except duckdb.Error as error:
            cursor.close()
            raise QueryError(str(error)) from error
        names = [column[0] for column in cursor.description or []]
        return names, _batches(cursor)


def _batches(cursor: duckdb.DuckDBPyConnection) -> Iterator[list[tuple[Any, ...]]]:
    try:
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield rows
    except duckdb.Error as error:
        raise QueryError(str(error)) from error
    finally:
        cursor.close()
