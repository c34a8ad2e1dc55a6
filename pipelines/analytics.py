"""The models of a warehouse, ours and the user's own: which there should be, and their making."""

from __future__ import annotations

from typing import Protocol

import duckdb
import structlog

from connector.settings import Settings
from pipelines import models, own_models, refresh

log = structlog.get_logger(__name__)

Versions = tuple[str, str]
"""Of our models and of the user's own. They change when a file, or a setting in one, does."""


class _Has(Protocol):
    @property
    def models(self) -> str: ...

    @property
    def own_models(self) -> str: ...


class Analytics:
    """What the schema `analytics` should hold, by the settings."""

    def __init__(self, settings: Settings) -> None:
        self._files = models.models(post_call_columns=settings.post_call_columns)
        self._fingerprint = models.fingerprint(self._files)
        self._own_folder = settings.models_dir
        self._own_made: str | None = None

    def are_those_of(self, seen: _Has) -> bool:
        """Whether the models that a load left are those of now."""
        own = own_models.read(self._own_folder)
        return (seen.models, seen.own_models) == (self._fingerprint, own.fingerprint)

    def make(
        self, connection: duckdb.DuckDBPyConnection, had: str, errors: list[str]
    ) -> tuple[Versions, list[str]]:
        """Makes the models that are not there as they should be, and the rows of stale calls.

        `had` is the version of ours that is there, `errors` what was wrong with the user's own.
        Returns which are there now, and what is wrong with the user's own.
        """
        ours = {file.name for file in self._files}
        if had != self._fingerprint or not ours <= models.relations(connection).keys():
            models.build(connection, self._files)
        own = own_models.read(self._own_folder)
        # again also where one has an error: a file that it reads may be there by now
        if self._own_made != own.fingerprint or errors:
            former, errors = errors, own_models.build(connection, own, ours)
            for error in set(errors) - set(former):
                log.error("model_failed", error=error)
            self._own_made = own.fingerprint
        refresh.refresh(connection, self._files)
        return (self._fingerprint, own.fingerprint), errors
