"""The staging buffers that keep the contract: each test of this folder runs on each of them.

A new engine adds a line to `IMPLEMENTATIONS`, and what makes an empty place for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from fluents_connector.buffer import BufferStore, Limits, SqliteStore
from fluents_connector.buffer.postgres.address import Address
from fluents_connector.buffer.postgres.store import PostgresStore
from tests.postgres import Server

NO_LIMITS = Limits()


class Place(Protocol):
    """One place of a buffer, asked for with the limits that its buffer is to keep to."""

    def __call__(self, limits: Limits = NO_LIMITS) -> BufferStore: ...


def sqlite(folder: Path, request: pytest.FixtureRequest) -> Place:
    return partial(SqliteStore, folder / "buffer.sqlite")


def postgres(folder: Path, request: pytest.FixtureRequest) -> Place:
    server: Server = request.getfixturevalue("postgres_server")
    return partial(PostgresStore, Address(server.url(), f"buffer_{uuid.uuid4().hex}"))


IMPLEMENTATIONS: dict[str, Callable[[Path, pytest.FixtureRequest], Place]] = {
    "sqlite": sqlite,
    "postgres": postgres,
}
"""For each engine, what makes the place of a buffer that is not there yet, given a new folder."""

WITH_FILES = {"sqlite": sqlite}
"""Those that back up, restore and recover by themselves; the others leave it to a server."""
