"""A failover to a server that lacks what was loaded: nothing is lost, nothing counts twice."""

from __future__ import annotations

import signal
import uuid
from contextlib import closing, suppress

import pytest

from fluents_connector.buffer import open_buffer
from fluents_connector.errors import FluentsError, LoadFailed
from fluents_connector.settings import Settings
from fluents_pipelines.batches import Normalized
from fluents_pipelines.load import Loader
from fluents_pipelines.resume import require_the_same_buffer
from tests.deliveries import Clock, append_all, body, delivery
from tests.pipelines.conftest import Query
from tests.postgres import Server, running, standby_of


def bodies(name: str, count: int) -> list[bytes]:
    return [body("event_error", [name, number], call_id=name) for number in range(count)]


@pytest.mark.attack
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


@pytest.mark.attack
@pytest.mark.parametrize("done", [0, 2, 4])
def test_a_server_that_is_replaced_while_a_load_runs_is_noticed(
    settings: Settings, clock: Clock, query: Query, postgres_server: Server, done: int
) -> None:
    name = f"buffer_{uuid.uuid4().hex}"
    update = {"buffer_url": postgres_server.url(), "buffer_schema": name, "batch_rows": 2}
    settings = settings.model_copy(update=update)
    copy = settings.model_copy(update={"buffer_schema": f"{name}_copy"})

    def replace(loaded: int, total: int) -> None:
        """Puts a copy that has other deliveries from position 3 on in the buffer's place."""
        if loaded == done and total == 10:
            with postgres_server.connect() as connection, connection.transaction():
                connection.execute(f"alter schema {name} rename to {name}_gone")
                connection.execute(f"alter schema {name}_copy rename to {name}")

    with closing(open_buffer(settings)) as buffer, closing(open_buffer(copy)) as other:
        both = [delivery(content, received_at=clock()) for content in bodies("both", 2)]
        for one in (buffer, other):
            one.append_all(both)
        append_all(buffer, bodies("first server", 8), clock)
        append_all(other, bodies("second server", 11), clock)
        with postgres_server.connect() as connection:
            renamed = f"update {name}_copy.buffer set buffer_id = %s"
            connection.execute(renamed, (buffer.buffer_id,))
        with Loader(settings) as loader:
            with suppress(FluentsError):  # it depends on what was read ahead of the change
                loader.load(replace)
            loader.load()
        counts = buffer.counts()
        assert (counts.received, counts.loaded, counts.pending) == (13, 13, 0)
    found = dict(query("select call_id, count(*) from fluents.events group by all"))
    assert found.pop("first server", 0) <= 8
    assert found == {"both": 2, "second server": 11}


def test_a_batch_of_another_buffer_is_not_loaded() -> None:
    require_the_same_buffer(Normalized("buffer", 2, 4, "same", [], {}), "same")
    require_the_same_buffer(Normalized("buffer", 2, 4, None, [], {}), "discarded since")
    require_the_same_buffer(Normalized("buffer", 0, 4, None, [], {}), None)
    with pytest.raises(LoadFailed, match=r"another delivery at position 2 .* all of it again"):
        require_the_same_buffer(Normalized("buffer", 2, 4, "another", [], {}), "same")
