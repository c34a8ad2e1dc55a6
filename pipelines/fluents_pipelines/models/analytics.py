"""The models of a warehouse, ours and the user's own: which there should be, and their making."""

from __future__ import annotations

import duckdb
import structlog

from fluents_connector.settings import Settings
from fluents_pipelines.models import built_in, custom, incremental
from fluents_pipelines.warehouse.duckdb_file import properties
from fluents_pipelines.warehouse.duckdb_file.published import MODELS, OWN_MODELS, Said

log = structlog.get_logger(__name__)


class Analytics:
    """What the schema `analytics` should hold, by the settings."""

    def __init__(self, settings: Settings) -> None:
        self._files = built_in.models(post_call_columns=settings.post_call_columns)
        self._fingerprint = built_in.fingerprint(self._files)
        self._own_folder = settings.models_dir
        self._own_made: str | None = None

    def are_those_of(self, seen: Said) -> bool:
        """Whether the models of a warehouse are those of now."""
        own = custom.read(self._own_folder)
        return (seen.models, seen.own_models) == (self._fingerprint, own.fingerprint)

    def make(self, connection: duckdb.DuckDBPyConnection, errors: list[str]) -> list[str]:
        """Makes the models that are not there as they should be, and the rows of stale calls.

        `errors` is what was wrong with the user's own; returns what is wrong with them now.
        """
        properties.prepare(connection)
        ours = {file.name for file in self._files}
        had = properties.get(connection, MODELS)
        if had != self._fingerprint or not ours <= built_in.relations(connection).keys():
            built_in.build(connection, self._files)
            properties.put(connection, MODELS, self._fingerprint)
        own = custom.read(self._own_folder)
        # again also where one has an error: a file that it reads may be there by now
        if self._own_made != own.fingerprint or errors:
            former, errors = errors, custom.build(connection, own, ours)
            for error in set(errors) - set(former):
                log.error("model_failed", error=error)
            self._own_made = own.fingerprint
            properties.put(connection, OWN_MODELS, own.fingerprint)
        incremental.refresh(connection, self._files)
        return errors
