"""Each implementation in turn, by one parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from fluents_connector.buffer import BufferStore, StagingBuffer
from tests.contract.buffer.implementations import IMPLEMENTATIONS, Place


@pytest.fixture(params=IMPLEMENTATIONS.values(), ids=IMPLEMENTATIONS)
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Place]:
    """Makes the place of another buffer at each call."""
    numbers = count()
    return lambda: request.param(tmp_path / f"place-{next(numbers)}", request)


@pytest.fixture
def place(new_place: Callable[[], Place]) -> Place:
    return new_place()


@pytest.fixture
def store(place: Place) -> BufferStore:
    return place()


@pytest.fixture
def buffer(store: BufferStore) -> Iterator[StagingBuffer]:
    with closing(store.open()) as opened:
        yield opened
