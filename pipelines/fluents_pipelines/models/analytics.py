"""The built-in and the custom models of a warehouse: which there should be, and their making."""

from __future__ import annotations

from contextlib import closing

import duckdb
import pyarrow as pa
import structlog

from fluents_connector.settings import Settings
from fluents_pipelines.models import built_in, custom, incremental
from fluents_pipelines.warehouse import properties
from fluents_pipelines.warehouse.protocol import WarehouseState

log = structlog.get_logger(__name__)


class Analytics:
    """What the schema `analytics` should hold, by the settings."""

    def __init__(self, settings: Settings) -> None:
        self._files = built_in.models(settings)
        self._fingerprint = built_in.fingerprint(self._files)
        self._custom_folder = settings.models_dir
        self._custom_made: str | None = None

    def are_those_of(self, state: WarehouseState) -> bool:
        """Whether the models of a warehouse are those of now."""
        files = custom.read(self._custom_folder)
        return (state.models, state.custom_models) == (self._fingerprint, files.fingerprint)

    def build(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Makes the built-in models that are not there as they should be. Raises `ModelError`.

        All calls are stale then.
        """
        had = properties.get(connection, properties.MODELS)
        names = {file.name for file in self._files}
        if had != self._fingerprint or not names <= built_in.relations(connection).keys():
            built_in.build(connection, self._files)
            properties.put(connection, properties.MODELS, self._fingerprint)

    def follow(self, connection: duckdb.DuckDBPyConnection, calls: pa.Table) -> None:
        """Refreshes calls in the transaction that changed them: see `incremental.follow`."""
        incremental.follow(connection, self._files, calls)

    def make(self, connection: duckdb.DuckDBPyConnection, errors: list[str]) -> list[str]:
        """Makes the models that are not there as they should be, and the rows of stale calls.

        `errors` is what was wrong with the custom ones; returns what is wrong with them now.
        """
        self.build(connection)
        files = custom.read(self._custom_folder)
        # again also where one has an error: a file that it reads may be there by now
        if self._custom_made != files.fingerprint or errors:
            names = {file.name for file in self._files}
            with closing(connection.cursor()) as cursor:
                former, errors = errors, custom.build(cursor, files, names)
            for error in set(errors) - set(former):
                log.error("model_failed", error=error)
            self._custom_made = files.fingerprint
            properties.put(connection, properties.CUSTOM_MODELS, files.fingerprint)
        incremental.refresh(connection, self._files)
        return errors
