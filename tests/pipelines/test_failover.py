"""A failover to a server that lacks what was loaded: nothing is lost, nothing counts twice."""

from __future__ import annotations

import signal
from contextlib import closing

from fluents_connector.buffer import open_buffer
from fluents_connector.settings import Settings
from fluents_pipelines.load import Loader
from tests.deliveries import Clock, append_all, body
from tests.pipelines.conftest import Query
from tests.postgres import running, standby_of


def bodies(name: str, count: int) -> list[bytes]:
    return [body("event_error", [name, number], call_id=name) for number in range(count)]


def test_positions_that_a_failover_gave_again_are_loaded(
    settings: Settings, clock: Clock, query: Query
) -> None:
    with running() as primary, standby_of(primary, "one") as standby:
        hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
        url = f"postgresql://owner@{hosts}/postgres"
        settings = settings.model_copy(update={"buffer_url": url})
        with closing(open_buffer(settings)) as buffer, Loader(settings) as loader:
            append_all(buffer, bodies("both", 5), clock)
            loader.load()
            primary.wait_for(standby)
            standby.cut_off()
            append_all(buffer, bodies("first server", 5), clock)
            assert loader.load().deliveries == 5
            primary.stop(signal.SIGQUIT)
            standby.promote()
            assert buffer.counts().received == 5  # the others are lost, but for the warehouse
            append_all(buffer, bodies("second server", 7), clock)
            former = buffer.buffer_id
            loader.load()
            assert buffer.buffer_id != former
            counts = buffer.counts()
            assert (counts.received, counts.loaded, counts.pending) == (12, 12, 0)
    found = query("select call_id, count(*) from fluents.events group by all order by all")
    assert found == [("both", 5), ("first server", 5), ("second server", 7)]
