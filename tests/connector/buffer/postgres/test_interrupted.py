"""Whatever happens to connections and server, what was appended is there once."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import closing

import pytest

from fluents_connector.buffer.postgres.address import Address
from fluents_connector.buffer.postgres.buffer import PostgresBuffer
from fluents_connector.delivery import validate
from fluents_connector.errors import BufferUnavailable
from tests.connector.buffer.postgres.proxy import Proxy
from tests.contract.buffer.expected import GOOD
from tests.deliveries import START, body, delivery, whole
from tests.postgres import Server, running

LAST = b"update buffer set"  # what is sent together with the commit
MOMENTS = {
    "before the counters are locked": ("cut_before", b"for no key update"),
    "when the counters are locked": ("cut_after", b"for no key update"),
    "before the commit": ("cut_before", LAST),
    "after the commit": ("cut_after", LAST),
}
GROUP = [delivery(content, bits=bits) for bits, content in enumerate([*GOOD, GOOD[0], b"bad"])]


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_group_whose_connection_dies_is_stored_once(
    postgres_server: Server,
    schema: str,
    through_proxy: PostgresBuffer,
    direct: PostgresBuffer,
    proxy: Proxy,
    moment: str,
    times: int,
) -> None:
    kind, words = MOMENTS[moment]
    getattr(proxy, kind)[words] = times
    receipts = through_proxy.append_all(GROUP)
    assert getattr(proxy, kind)[words] == 0
    assert [row.event_id for row in whole(direct).rows] == [one.event_id for one in GROUP]
    assert [receipt.event_id for receipt in receipts] == [one.event_id for one in GROUP]
    assert receipts[5].duplicate_of == GROUP[0].event_id
    assert [row.duplicate_of for row in whole(direct).rows] == [
        receipt.duplicate_of for receipt in receipts
    ]
    counts = direct.counts()
    assert (counts.received, counts.duplicates, counts.quarantined) == (7, 1, 1)
    # each time that it was found to be stored, another commit made sure of it
    with postgres_server.connect() as connection:
        found = connection.execute(f"select checked from {schema}.buffer").fetchone()
    assert found == (times if moment == "after the commit" else 0,)


def test_others_that_store_meanwhile_do_not_change_what_is_found_out(
    through_proxy: PostgresBuffer, direct: PostgresBuffer, proxy: Proxy
) -> None:
    proxy.cut_after[LAST] = 1
    appending = threading.Thread(target=through_proxy.append_all, args=(GROUP,))
    appending.start()
    for bits in range(100, 120):
        direct.append(delivery(body("event_error", bits), bits=bits))
    appending.join()
    ids = [row.event_id for row in whole(direct).rows]
    assert len(ids) == len(set(ids)) == len(GROUP) + 20
    assert {one.event_id for one in GROUP} <= set(ids)


def test_a_retried_refusal_whose_connection_dies_is_stored_once(
    through_proxy: PostgresBuffer, direct: PostgresBuffer, proxy: Proxy
) -> None:
    refused = direct.append(delivery(b"bad"))
    repaired = validate(GOOD[0], webhook="main", received_at=START, event_id=refused.event_id)
    proxy.cut_after[LAST] = 1
    receipt = through_proxy.retry(repaired)
    assert receipt is not None
    assert receipt.event_id == refused.event_id
    counts = direct.counts()
    assert (counts.received, counts.quarantined, counts.pending) == (1, 0, 1)


def test_an_outage_ends_in_an_error_that_says_that_the_outcome_is_unknown(
    direct: PostgresBuffer, schema: str, proxy: Proxy
) -> None:
    address = Address(f"postgresql://owner@127.0.0.1:{proxy.port}/postgres", schema)
    with closing(PostgresBuffer(address, patience=1)) as buffer:
        proxy.cut_after[LAST] = 1

        def go_down() -> None:
            while proxy.cut_after[LAST]:
                time.sleep(0.001)
            proxy.is_down = True

        threading.Thread(target=go_down).start()
        with pytest.raises(BufferUnavailable, match="died during a commit") as raised:
            buffer.append_all(GROUP)
        assert "counts as a duplicate" in str(raised.value)
        with pytest.raises(BufferUnavailable, match="Nothing was stored"):
            buffer.append(delivery(GOOD[1], bits=50))
        proxy.is_down = False
        again = buffer.append_all(GROUP)
    assert [row.event_id for row in whole(direct).rows][:7] == [one.event_id for one in GROUP]
    assert [receipt.duplicate_of for receipt in again][:5] == [one.event_id for one in GROUP[:5]]


def test_a_server_that_crashes_under_appends_keeps_each_that_was_acknowledged() -> None:
    with running() as server:
        address = Address(server.url(), "fluents_buffer")
        with closing(PostgresBuffer(address, patience=60)) as buffer:
            acknowledged: list[str] = []

            def append(thread: int) -> None:
                for number in range(60):
                    content = body("event_error", [thread, number])
                    one = delivery(content, bits=1000 * thread + number)
                    acknowledged.append(buffer.append(one).event_id)

            threads = [threading.Thread(target=append, args=(one,)) for one in range(4)]
            for thread in threads:
                thread.start()
            for _ in range(2):
                while len(acknowledged) % 100 < 20:
                    time.sleep(0.001)
                server.stop(signal.SIGQUIT)
                server.start()
            for thread in threads:
                thread.join()
            rows = whole(buffer).rows
            assert sorted(row.event_id for row in rows) == sorted(acknowledged)
            assert len(acknowledged) == 240
            assert [row.position for row in rows] == list(range(1, 241))
            assert buffer.counts().received == 240


def test_a_server_that_does_not_answer_is_given_up(
    postgres_server: Server, direct: PostgresBuffer, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fluents_connector.buffer.postgres.work.WRITE_SECONDS", 0.5)
    monkeypatch.setattr("fluents_connector.buffer.postgres.session.GRACE_SECONDS", 0.5)
    with closing(PostgresBuffer(Address(postgres_server.url(), schema))) as buffer:
        buffer.check()
        with postgres_server.connect() as other:
            pids = [
                row[0]
                for row in other.execute(
                    "select pid from pg_stat_activity where application_name = 'fluents-warehouse'"
                )
            ]
            for pid in pids:
                postgres_server.stop_process(pid)
            try:
                with pytest.raises(BufferUnavailable):
                    buffer.append(delivery(GOOD[0]))
            finally:
                for pid in pids:
                    postgres_server.continue_process(pid)
    assert [row.event_id for row in whole(direct).rows] in ([], [delivery(GOOD[0]).event_id])
