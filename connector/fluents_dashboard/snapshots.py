"""Keeps the newest published snapshot open, and each older one until its last visitor has left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from fluents_connector.errors import QueryError
from fluents_connector.settings import Settings
from fluents_pipelines.readers.snapshot import Row, Snapshot, newest_version

SQL = Path(__file__).parent / "sql"


class Figures:
    """One snapshot, asked by the names of the queries in the folder `sql`."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.version = version_of(snapshot.version)

    def rows(self, query: str, **parameters: Any) -> list[Row]:
        """The rows of `sql/<query>.sql`. Nobody may change them. Raises `QueryError`."""
        return self._snapshot.rows(query_text(query), **parameters)

    def row(self, query: str, **parameters: Any) -> Row:
        """The only row of a query."""
        (found,) = self.rows(query, **parameters)
        return found

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """A read-only connection of one's own, for what is more than a query."""
        with closing(self._snapshot.cursor()) as cursor:
            yield cursor

    def batches(
        self, query: str, **parameters: Any
    ) -> tuple[list[str], Iterator[list[tuple[Any, ...]]]]:
        """The columns of a query that may have many rows, and these some at a time."""
        return self._snapshot.batches(query_text(query), **parameters)


class Snapshots:
    """Opens the published warehouse when it is asked for, and anew when another is there."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._newest: Snapshot | None = None
        self._visitors: dict[Snapshot, int] = {}

    @contextmanager
    def newest(self) -> Iterator[Figures]:
        """The newest snapshot, for as long as the block runs. Raises `QueryError`."""
        snapshot = self._enter()
        try:
            yield Figures(snapshot)
        finally:
            self._leave(snapshot)

    def version(self) -> str:
        """Changes when another warehouse is published; empty where none is."""
        return version_of(newest_version(self._settings))

    def drop_outdated(self) -> None:
        """Closes what nobody looks at any more, as the loader wants its room back."""
        with self._lock:
            snapshot = self._newest
            if snapshot is None or self._visitors.get(snapshot):
                return
            if snapshot.version == newest_version(self._settings):
                return
            self._newest = None
        snapshot.close()

    def close(self) -> None:
        """Closes what is open. Nobody may look at it."""
        with self._lock:
            snapshot, self._newest = self._newest, None
        if snapshot is not None:
            snapshot.close()

    def _enter(self) -> Snapshot:
        with self._opening:  # one visitor opens, and the others wait for that
            version = newest_version(self._settings)
            with self._lock:
                if self._newest is not None and self._newest.version == version:
                    self._visitors[self._newest] = self._visitors.get(self._newest, 0) + 1
                    return self._newest
            opened = Snapshot(self._settings, query_text("macros"))
            with self._lock:
                former, self._newest = self._newest, opened
                self._visitors[opened] = 1
                is_idle = former is not None and not self._visitors.get(former)
        if is_idle and former is not None:
            former.close()
        return opened

    def _leave(self, snapshot: Snapshot) -> None:
        with self._lock:
            self._visitors[snapshot] -= 1
            is_last = not self._visitors[snapshot]
            if is_last:
                del self._visitors[snapshot]
            is_outdated = is_last and snapshot is not self._newest
        if is_outdated:
            snapshot.close()


@lru_cache
def query_text(name: str) -> str:
    """The SQL of a query."""
    try:
        return (SQL / f"{name}.sql").read_text(encoding="utf-8")
    except OSError as error:
        missing = f"The query {name} is missing. Install fluents-warehouse again."
        raise QueryError(missing) from error


def version_of(version: object) -> str:
    """A version as a text that a browser can compare; empty for None."""
    return "" if version is None else f"{abs(hash(version)):x}"
