"""Deliveries that need more memory than there is: nothing behind them waits, and no call lacks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import duckdb
import pyarrow as pa
import pytest
from structlog.testing import capture_logs

from connector.buffer import Batch, SqliteBuffer
from connector.errors import LoadFailed
from connector.settings import Settings
from pipelines.load import Loader, LoadResult
from tests.deliveries import Clock, append_all, body
from tests.hostile.dear import as_of_an_older_version
from tests.pipelines.conftest import Query

Load = Callable[[], LoadResult]


def test_a_delivery_that_an_older_version_took_stops_no_load(
    buffer: SqliteBuffer, clock: Clock, load: Load, query: Query
) -> None:
    """Its id of 90,000 characters would stand in the row of each of its 9,000 turns."""
    content = body("event_transcript", "BOT: a\nHUMAN: b\n" * 4_500, call_id="c" * 90_000)
    as_of_an_older_version(buffer, content, clock())
    append_all(buffer, [body("event_error", "behind", call_id="later")], clock)
    assert load().deliveries == 2
    assert query(
        "select length(call_id), event_count from analytics.call_summary order by all"
    ) == [(5, 1), (90_000, 1)]
    ((extra,),) = query("select extra from fluents.events where extra is not null")
    assert json.loads(extra) == {"body": content.decode()}


def test_a_delivery_that_the_warehouse_never_has_memory_for_is_loaded_as_text(
    settings: Settings,
    buffer: SqliteBuffer,
    clock: Clock,
    query: Query,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = Loader._load_batch

    def refuse(loader: Loader, batch: Batch, tables: Mapping[str, pa.Table]) -> None:
        if "poison" in "".join(filter(None, tables["events"]["payload"].to_pylist())):
            raise LoadFailed("dlt failed") from duckdb.OutOfMemoryException("Out of Memory Error:")
        real(loader, batch, tables)

    monkeypatch.setattr(Loader, "_load_batch", refuse)
    texts = ["poison" if n == 6 else f"e{n}" for n in range(20)]
    append_all(buffer, [body("event_error", text, call_id=text) for text in texts], clock)
    with capture_logs() as logs, Loader(settings) as loader:
        assert loader.load().deliveries == 20
    (event_id,) = query("select event_id from fluents.events where extra is not null")[0]
    assert [e["event_id"] for e in logs if e["event"] == "delivery_loaded_as_text_only"] == [
        event_id
    ]
    assert query("select count(message) from fluents.errors") == [(19,)]
    assert query("select count(*) from analytics.call_summary") == [(20,)]
    assert buffer.counts().pending == 0
