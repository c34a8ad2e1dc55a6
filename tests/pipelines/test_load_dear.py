"""Deliveries that need more memory than there is: nothing behind them waits, and no call lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.errors import LoadFailed
from fluents_connector.settings import Settings
from fluents_pipelines.batch_loader import BatchLoader
from fluents_pipelines.batches import Normalized
from fluents_pipelines.load import Loader, LoadResult
from fluents_pipelines.memory import is_too_much
from fluents_pipelines.warehouse.duckdb_file.destination import KeyedDuckDbClient
from tests.attacks.hostile.dear import DEAR, as_of_an_older_version, dear_body
from tests.deliveries import TOKEN, Clock, append_all, body
from tests.pipelines.conftest import Query
from tests.pipelines.profiles import examples

Load = Callable[[], LoadResult]


@pytest.mark.attack
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


@pytest.mark.attack
def test_a_delivery_that_the_warehouse_never_has_memory_for_is_loaded_as_text(
    settings: Settings,
    buffer: SqliteBuffer,
    clock: Clock,
    query: Query,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = BatchLoader.add

    def refuse(loader: BatchLoader, batch: Normalized, *arguments: Any, **options: Any) -> None:
        if "poison" in "".join(filter(None, batch.tables["events"]["payload"].to_pylist())):
            raise LoadFailed("dlt failed") from duckdb.OutOfMemoryException("Out of Memory Error:")
        real(loader, batch, *arguments, **options)

    monkeypatch.setattr(BatchLoader, "add", refuse)
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


@pytest.mark.attack
def test_a_batch_that_the_warehouse_has_no_memory_for_is_loaded_in_halves(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, query: Query
) -> None:
    with Loader(settings) as loader:
        loader.load()
        # of the warehouse's part alone: the normalizer has an engine of its own
        loader._warehouse.connection.execute("set memory_limit = '24MB'; set temp_directory = ''")
        bodies = [
            body("event_of_tomorrow", f"{n}" + "x" * 2_000_000, call_id=f"c{n}") for n in range(6)
        ]
        append_all(buffer, bodies, clock)
        with capture_logs() as logs:
            assert loader.load().deliveries == 6
    assert "batch_not_loaded" in [entry["event"] for entry in logs]
    assert query("select count(*), sum(length(payload)) from fluents.events") == [
        (6, 6 * 2_000_003)
    ]
    assert query("select count(*) from analytics.call_summary") == [(6,)]


@pytest.mark.attack
def test_a_lack_of_memory_is_tried_once_and_said(
    settings: Settings, buffer: SqliteBuffer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_all(buffer, [body("event_of_tomorrow", "x" * 5_000_000)], clock)
    completed: list[str] = []
    real = KeyedDuckDbClient.complete_load

    def count(client: KeyedDuckDbClient, load_id: str) -> None:
        completed.append(load_id)
        real(client, load_id)

    with Loader(settings) as loader:
        loader.load()
        append_all(buffer, [body("event_of_tomorrow", "y" * 9_000_000)], clock)
        batch = buffer.read(1, 2, max_rows=1, max_bytes=10**8)
        normalized = Normalized.of(batch, loader._normalizer.tables(batch))
        loader._warehouse.connection.execute("set memory_limit = '8MB'; set temp_directory = ''")
        monkeypatch.setattr(KeyedDuckDbClient, "complete_load", count)
        with pytest.raises(LoadFailed, match=r"^dlt failed to load: Out of Memory Error: [^\n]*"):
            loader._batch_loader.add(normalized)
        loader._warehouse.connection.execute("set memory_limit = '256MB'")
    assert len(completed) == 1


@pytest.mark.attack
def test_what_is_refused_for_memory_in_a_commit_or_a_job_is_recognised() -> None:
    commit = duckdb.TransactionException(
        "TransactionContext Error: Failed to commit: failed to pin block of size 3.8 MiB"
    )
    job = LoadFailed("dlt failed")
    job.__context__ = RuntimeError("Job failed with message: \nOut of Memory Error: failed to pin")
    assert is_too_much(commit)
    assert is_too_much(job)
    assert not is_too_much(LoadFailed("The load waits for space"))
    assert not is_too_much(duckdb.IOException("IO Error: No space left on device"))


# of which `dear_body` makes a body: kind, size, unit, id of the call, and whether a key is repeated
DEAR_BODIES = st.tuples(
    st.sampled_from(sorted(DEAR)),
    st.sampled_from([10_000, 300_000]),
    st.sampled_from(["a", "oh no, ", "😀", '"']),
    st.tuples(st.sampled_from("cde"), st.sampled_from([1, 1_024, 5_000, 90_000])),
    st.booleans(),
)


@pytest.mark.attack
@examples(few=2)
@given(drawn=st.lists(DEAR_BODIES, min_size=2, max_size=4))
def test_no_body_stops_a_load_and_every_call_is_there(
    drawn: list[tuple[str, int, str, tuple[str, int], bool]],
) -> None:
    """The whole way: buffer, dlt, destination, models and publishing."""
    bodies = [
        dear_body(kind, size, unit, letter * length, repeated)
        for kind, size, unit, (letter, length), repeated in drawn
    ]
    with TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder) / "data",
            warehouse_path=Path(folder) / "published.duckdb",
            webhooks={"main": TOKEN},
            buffer_keep_days=36500,
            disk_reserve_bytes=0,
        )
        clock = Clock()
        behind = body("event_error", "behind", call_id="behind")
        with closing(SqliteBuffer(settings.buffer_file)) as buffer:
            ids = {
                as_of_an_older_version(buffer, content, clock()) for content in [*bodies, behind]
            }
            with Loader(settings) as loader:
                loader.load()
            assert buffer.counts().pending == 0
        calls = {json.loads(content)["call_id"] for content in [*bodies, behind]}
        with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
            for table in ("fluents.calls", "analytics.call_summary"):
                assert set(connection.execute(f"select call_id from {table}").fetchall()) == {
                    (call_id,) for call_id in calls
                }
            events = connection.execute("select event_id from fluents.events").fetchall()
        assert sorted(event_id for (event_id,) in events) == sorted(ids)
