"""The published DuckDB file, as readers open it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from fluents_connector.errors import QueryError
from fluents_connector.loader_state import loader_state
from fluents_connector.settings import Settings
from fluents_pipelines.sql_text import identifier, literal
from fluents_pipelines.warehouse.duckdb_file.files import FILE, identity, snapshots_of
from fluents_pipelines.warehouse.duckdb_file.state import FileState, state_in


class PublishedFile:
    """See `fluents_pipelines.warehouse.protocol.Published`."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.warehouse_path
        self._loaders_file = settings.data_dir / FILE
        self._loader = loader_state(settings)

    @property
    def location(self) -> str:
        """The path of the file."""
        return str(self._path.absolute())

    @property
    def folder(self) -> Path:
        """The folder that it lies in."""
        return self._path.absolute().parent

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection. Raises `QueryError`."""
        path = self._path
        if not path.exists():
            raise QueryError(f"{path} is not there yet. Run `fluents-warehouse load` first.")
        try:
            connection = duckdb.connect(
                str(path), read_only=True, config={"python_enable_replacements": False}
            )
        except duckdb.Error as error:
            raise QueryError(f"{path} cannot be opened: {error}") from error
        try:
            connection.execute("set timezone = 'UTC'")
            if not sys.stderr.isatty():  # where DuckDB shows it too
                connection.execute("set enable_progress_bar = false")
            yield connection
        finally:
            connection.close()

    def state(self) -> FileState | None:
        """What the file says of itself; None where there is none, or nothing in it."""
        return state_in(self._path)

    def is_current(self) -> bool:
        """Whether the loader's file says the same. Raises `LoadRunning` while that is at work."""
        with self._loader.only_loader():
            return state_in(self._loaders_file) == self.state()

    def version(self) -> tuple[int, ...] | None:
        """Changes when another file, or another content, is at the path; None where none is."""
        try:
            return identity(self._served())
        except OSError:
            return None

    @property
    def readable(self) -> tuple[list[str], list[str]]:
        """The folder of the snapshots, and the file itself where there are no links."""
        served = self._served()
        return [str(snapshots_of(served))], [str(served), f"{served}.wal"]

    def attach(self, connection: duckdb.DuckDBPyConnection, database: str, links: Path) -> None:
        """Attaches the file as `database`, read-only."""
        # Through a link, as DuckDB takes two databases at one path for the same.
        link = _link(links, database)
        link.symlink_to(self._served())
        connection.execute(f"attach {literal(str(link))} as {identifier(database)} (read_only)")

    def detach(self, connection: duckdb.DuckDBPyConnection, database: str, links: Path) -> None:
        """Takes off what was attached, and its link."""
        try:
            connection.execute(f"detach database if exists {identifier(database)}")
        finally:
            _link(links, database).unlink(missing_ok=True)

    def _served(self) -> Path:
        # DuckDB resolves links to folders before it looks whether a file is allowed
        return self._path.parent.resolve() / self._path.name


def _link(links: Path, database: str) -> Path:
    return links / f"{database}.duckdb"
