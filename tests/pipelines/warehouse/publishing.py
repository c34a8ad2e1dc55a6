"""A DuckDB file that is published again and again, without the rest of a loader."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from fluents_connector.loader_state import PublishReport
from fluents_pipelines.warehouse import properties
from fluents_pipelines.warehouse.duckdb_file.publish import Publisher
from fluents_pipelines.warehouse.duckdb_file.storage import connect, make

SCHEMA = (
    "create schema if not exists fluents",
    "create table if not exists fluents.loads (buffer_id varchar)",
    "create table if not exists fluents.events (event_id varchar)",
    "create table if not exists fluents.quarantine (delivery_id varchar)",
)


class Publishing:
    """The loader's file in `folder`, open in `connection`, and its publisher."""

    def __init__(self, folder: Path, *, whole_copies: bool = False) -> None:
        self.source = folder / "loader.duckdb"
        self.target = folder / "published.duckdb"
        if not self.source.exists():
            make(self.source)
        self._file = self.source.open("rb")
        self.connection = connect(self.source, "256MB")
        for statement in SCHEMA:
            self.connection.execute(statement)
        properties.prepare(self.connection)
        self._publisher = Publisher(
            self._file, self.connection, self.target, 1, whole_copies=whole_copies
        )
        self.snapshots = self._publisher.snapshots

    def __enter__(self) -> Publishing:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives up the file, in the order of a loader."""
        self.connection.close()
        self._file.close()

    def execute(self, *statements: str) -> None:
        """Runs statements, each of which makes one checkpoint at most, as a load does."""
        for statement in statements:
            self.connection.execute(statement)
            self._publisher.see()

    def publish(self) -> PublishReport:
        """Publishes, and holds the published file against the loader's."""
        report = self._publisher.publish(self.connection)
        assert self.target.read_bytes() == self.source.read_bytes()
        return report

    def files(self) -> int:
        """How many snapshots there are."""
        return len(list(self.snapshots.folder.glob(f"{self.target.name}.*")))
