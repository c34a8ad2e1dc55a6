"""A schema of its own for each test, and what stands between client and server."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from fluents_connector.buffer.postgres.address import Address
from fluents_connector.buffer.postgres.buffer import PostgresBuffer
from tests.connector.buffer.postgres.proxy import Proxy
from tests.postgres import Server

Open = Callable[..., PostgresBuffer]


@pytest.fixture
def schema() -> str:
    return f"buffer_{uuid.uuid4().hex}"


@pytest.fixture
def direct(postgres_server: Server, schema: str) -> Iterator[PostgresBuffer]:
    """The buffer, by a connection that nothing happens to."""
    with closing(PostgresBuffer(Address(postgres_server.url(), schema))) as buffer:
        yield buffer


@pytest.fixture
def proxy(postgres_server: Server) -> Iterator[Proxy]:
    with Proxy(postgres_server.port) as running:
        yield running


@pytest.fixture
def through_proxy(direct: PostgresBuffer, schema: str, proxy: Proxy) -> Iterator[PostgresBuffer]:
    """The same buffer, by connections that may be cut."""
    address = Address(f"postgresql://owner@127.0.0.1:{proxy.port}/postgres", schema)
    with closing(PostgresBuffer(address, patience=20)) as buffer:
        yield buffer
