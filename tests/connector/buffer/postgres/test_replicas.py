"""With `require_replicas`, what is acknowledged is on a standby too, and survives a failover."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Thread

import pytest

from fluents_connector.buffer.postgres.address import Address
from fluents_connector.buffer.postgres.buffer import PostgresBuffer
from fluents_connector.errors import BufferUnavailable
from tests.contract.buffer.expected import GOOD
from tests.deliveries import body, delivery, whole
from tests.postgres import Server, running, standby_of

pytestmark = pytest.mark.attack

SCHEMA = "fluents_buffer"
SYNCHRONOUS = {"synchronous_standby_names": "'ANY 1 (one, two)'"}


@contextmanager
def replicated(**settings: str) -> Iterator[tuple[Server, Server]]:
    """A primary, set so once it has a standby, and that standby, `one`."""
    with running() as primary, standby_of(primary, "one") as standby:
        primary.configure(**settings)
        primary.reload()
        yield primary, standby


def several(*servers: Server) -> Address:
    """Whichever of the servers can be written to."""
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
    return Address(f"postgresql://owner@{hosts}/postgres", SCHEMA)


def test_nothing_is_acknowledged_without_the_standbys_that_are_required() -> None:
    with replicated() as (primary, standby):
        address = several(primary, standby)
        with closing(PostgresBuffer(address, replicas=1)) as buffer:
            # the server is not set to wait for any
            with pytest.raises(BufferUnavailable, match=r"waits for 0 .* 'ANY 1 \(…\)' on the"):
                buffer.append(delivery(GOOD[0]))
            assert buffer.counts().received == 0
            primary.configure(**SYNCHRONOUS)
            primary.reload()
            buffer.append(delivery(GOOD[0]))
            durability = buffer.durability()
            assert durability.replicas == 1
            assert "each commit waits for ANY 1 (one, two)" in durability.description
            # the standby is gone: the wait ends without it, so nothing is acknowledged
            standby.stop()
            cancelling = _later(lambda: cancel_wait(primary))
            with pytest.raises(BufferUnavailable, match="no standby confirmed it in time"):
                buffer.append(delivery(GOOD[1], bits=1))
            cancelling.join()
            standby.start()
            again = buffer.append(delivery(GOOD[1], bits=2))
            assert again.duplicate_of == delivery(GOOD[1], bits=1).event_id
        with (
            closing(PostgresBuffer(address, replicas=2)) as buffer,
            pytest.raises(BufferUnavailable, match="require_replicas is 2"),
        ):
            buffer.check()


def test_a_standby_that_comes_back_in_time_is_waited_for() -> None:
    with (
        replicated(**SYNCHRONOUS) as (primary, standby),
        closing(PostgresBuffer(several(primary), patience=60, replicas=1)) as buffer,
    ):
        standby.stop()
        restart = _later(standby.start)
        receipt = buffer.append(delivery(GOOD[0]))
        restart.join()
        assert receipt.duplicate_of is None
        assert buffer.counts().received == 1


def test_while_no_standby_answers_nothing_is_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fluents_connector.buffer.postgres.work.WRITE_SECONDS", 1.0)
    monkeypatch.setattr("fluents_connector.buffer.postgres.session.GRACE_SECONDS", 0.5)
    with (
        replicated(**SYNCHRONOUS) as (primary, standby),
        closing(PostgresBuffer(several(primary), replicas=1)) as buffer,
    ):
        standby.stop()
        with pytest.raises(BufferUnavailable, match=r"did not answer within 1\.5 seconds"):
            buffer.append(delivery(GOOD[0]))
        with pytest.raises(BufferUnavailable):  # the first one's commit has the counters still
            buffer.append(delivery(GOOD[1], bits=1))
        standby.start()
        assert buffer.append(delivery(GOOD[2], bits=2)).duplicate_of is None
        assert [row.position for row in whole(buffer).rows] == [1, 2]


def test_what_was_acknowledged_is_there_after_a_failover() -> None:
    with replicated(**SYNCHRONOUS) as (primary, standby):
        address = several(primary, standby)
        with closing(PostgresBuffer(address, patience=60)) as buffer:
            acknowledged = [
                buffer.append(delivery(body("event_error", bits), bits=bits)).event_id
                for bits in range(50)
            ]
            identity = buffer.buffer_id
            primary.stop(signal.SIGQUIT)
            promotion = _later(standby.promote)
            # stored by the one that is promoted, though nobody told the receiver
            acknowledged.append(buffer.append(delivery(GOOD[0], bits=99)).event_id)
            promotion.join()
            assert [row.event_id for row in whole(buffer).rows] == acknowledged
            assert buffer.buffer_id == identity


def cancel_wait(primary: Server) -> None:
    """Does what an administrator may: ends a commit's wait for its standby."""
    cancel = "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'"
    with primary.connect() as connection:
        while not connection.execute(cancel).fetchall():
            time.sleep(0.01)


def _later(work: Callable[[], None]) -> Thread:
    thread = Thread(target=work)
    thread.start()
    return thread
