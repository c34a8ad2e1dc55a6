"""The staging buffers that keep the contract: each test of this folder runs on each of them.

A new engine adds a line to `IMPLEMENTATIONS`, and what makes an empty place for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from fluents_connector.buffer import BufferStore, Limits, SqliteStore

NO_LIMITS = Limits()


class Place(Protocol):
    """One place of a buffer, asked for with the limits that its buffer is to keep to."""

    def __call__(self, limits: Limits = NO_LIMITS) -> BufferStore: ...


def sqlite(folder: Path) -> Place:
    return partial(SqliteStore, folder / "buffer.sqlite")


IMPLEMENTATIONS: dict[str, Callable[[Path], Place]] = {"sqlite": sqlite}
"""For each engine, what makes the place of a buffer that is not there yet, given a new folder."""
