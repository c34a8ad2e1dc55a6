"""A full disk of the server: what is acknowledged is stored, and room is all that it takes."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from fluents_connector.buffer.postgres.address import Address
from fluents_connector.buffer.postgres.buffer import PostgresBuffer
from fluents_connector.errors import BufferUnavailable
from tests import needs
from tests.deliveries import body, delivery, whole
from tests.postgres import Server, new_folder, running

pytestmark = pytest.mark.attack


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A folder on a disk of 160 MB."""
    needs.root()
    with new_folder() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=160m,mode=755", "none", str(folder)]
        if subprocess.run(mount, check=False, capture_output=True).returncode:
            needs.missing("root may not mount a tmpfs here")
        try:
            yield folder
        finally:
            subprocess.run(["umount", str(folder)], check=True)  # noqa: S607


def test_a_full_disk_of_the_tables_is_said_and_room_is_all_it_takes(small_disk: Path) -> None:
    with running() as server:
        small = small_disk / "tables"
        server.own(small)
        with server.connect() as connection:
            connection.execute(f"create tablespace small location '{small}'")
            connection.execute("create database small tablespace small")
        address = Address(server.url("small"), "own")
        with closing(PostgresBuffer(address)) as buffer:
            tried = _fill(buffer, small_disk / "filler", "The disk of the Postgres server is full")
            assert [row.event_id for row in whole(buffer).rows] == tried[:-1]
            (small_disk / "filler").unlink()
            buffer.append(delivery(body("event_error", "last"), bits=10**6))
            assert buffer.counts().received == len(tried) > 10


def test_a_server_that_ends_itself_for_a_full_disk_keeps_what_was_acknowledged(
    small_disk: Path,
) -> None:
    server = Server(small_disk / "primary")
    server.make()
    server.configure(max_wal_size="32MB", min_wal_size="32MB")
    server.start()
    try:
        # the connection to the server that is restarted is found dead at the first try
        with closing(PostgresBuffer(Address(server.url(), "own"), patience=1)) as buffer:
            tried = _fill(buffer, small_disk / "filler", "cannot be used|died during a commit")
            (small_disk / "filler").unlink()
            server.stop()
            server.start()
            rows = [row.event_id for row in whole(buffer).rows]
            assert rows in (tried, tried[:-1])  # the last one was not acknowledged
            assert buffer.counts().received == len(rows) > 10
            buffer.append(delivery(body("event_error", "last"), bits=10**6))
    finally:
        server.stop(signal.SIGQUIT)


def _fill(buffer: PostgresBuffer, filler: Path, said: str) -> list[str]:
    """Appends until that fails, and something else takes the room too; returns what was tried."""
    filler.write_bytes(b"x" * 4 * 1024**2)
    tried: list[str] = []
    with pytest.raises(BufferUnavailable, match=said):
        _append_all_there_is_room_for(buffer, tried)
    return tried


def _append_all_there_is_room_for(buffer: PostgresBuffer, tried: list[str]) -> None:
    for number in range(2_000):
        one = delivery(body("event_error", _noise(number)), bits=number)
        tried.append(one.event_id)
        buffer.append(one)


def _noise(number: int) -> str:
    """Half a megabyte that cannot be compressed by much."""
    return Random(number).randbytes(250_000).hex()  # noqa: S311 # the same at each run
