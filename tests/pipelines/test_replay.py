"""A replay makes the tables what a first load of the same deliveries would make them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from structlog.testing import capture_logs

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.loader_state import ReplayAnswer, ReplayRequest, loader_state
from fluents_connector.settings import Settings
from fluents_connector.simulator import simulate
from fluents_pipelines import replay as replaying
from fluents_pipelines.load import Loader, LoadResult, nothing_to_load
from fluents_pipelines.tables import Table
from fluents_pipelines.warehouse.duckdb_file.warehouse import DuckDbWarehouse
from tests.deliveries import START, Clock, append_all, body
from tests.loads import copy_of, load_once
from tests.pipelines.conftest import Query
from tests.pipelines.contents import contents

Load = Callable[[], LoadResult]
REQUEST = "the-request"
NEW_NAMES = {
    "error_message": ["secret_message"],
    "did_not_connect_reason": ["why"],
    "recording_url": ["where"],
    "transcript": ["said"],
}
BODIES = [
    body("event_error", {"secret_message": "later known", "message": "known"}),
    body("event_phone_call_did_not_connect", {"why": "no credit"}, call_id="call-2"),
    body("event_recording", {"where": "https://example.org/1.wav"}, call_id="call-3"),
    body("event_transcript", {"said": "BOT: one", "transcript": "BOT: a\nHUMAN: b"}),
    body("event_transcript", {"said": "BOT: one", "transcript": "HUMAN: zero"}, call_id="call-4"),
]  # fmt: skip


def replay(settings: Settings, **asked_for: Any) -> ReplayAnswer:
    loader_state(settings).ask(ReplayRequest(REQUEST, **asked_for))
    with Loader(settings) as loader:
        loader.load()
    result = loader_state(settings).answered(REQUEST)
    assert result is not None
    assert loader_state(settings).asked() is None
    return result


def first_load(settings: Settings, folder: Path) -> dict[str, Any]:
    """What a warehouse holds that is loaded for the first time, with the same settings."""
    other = settings.model_copy(
        update={
            "data_dir": folder,
            "buffer_path": settings.buffer_file,
            "warehouse_path": folder / "other.duckdb",
        }
    )
    with Loader(other) as loader:
        loader.load()
    return contents(other.warehouse_path)


@pytest.fixture(scope="module")
def loaded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    simulated = [delivery.body for delivery in islice(simulate(seed=3), 300)]
    return load_once(tmp_path_factory.mktemp("replay"), [*BODIES, *simulated, b"[]", BODIES[0]])


@pytest.fixture
def loaded(loaded_folder: Path, tmp_path: Path, settings: Settings) -> Iterator[SqliteBuffer]:
    copy_of(loaded_folder, tmp_path)
    buffer = SqliteBuffer(settings.buffer_file)
    yield buffer
    buffer.close()


@pytest.mark.attack
def test_a_replay_with_new_names_gives_what_a_first_load_with_them_gives(
    loaded: SqliteBuffer, settings: Settings, tmp_path: Path
) -> None:
    taught = settings.model_copy(update={"fields": NEW_NAMES})
    before = contents(settings.warehouse_path)
    result = replay(taught, types=("event_error", "event_recording"))
    assert (result.error, result.added, result.removed) == (None, 0, 0)
    assert result.changed == 3  # an error, a recording, and the call with the recording
    result = replay(taught)
    assert (result.deliveries, result.added) == (loaded.counts().received, 0)
    assert (result.removed, result.changed > 3) == (1, True)
    after = contents(settings.warehouse_path)
    assert after == first_load(taught, tmp_path / "again") != before


@pytest.mark.attack
def test_rows_that_are_right_are_not_touched(loaded: SqliteBuffer, settings: Settings) -> None:
    before = contents(settings.warehouse_path)
    result = replay(settings)
    assert (result.added, result.changed, result.removed) == (0, 0, 0)
    assert contents(settings.warehouse_path) == before


@pytest.mark.parametrize(
    "damage",
    [
        "delete from fluents.transcript_turns where turn_index = 1",
        "delete from fluents.events; delete from fluents.calls",
        "update fluents.calls set status = 'x', from_number = 'y', connected_at = NULL",
        "update fluents.post_call_results set result_text = 'x', result_json = NULL",
        "insert into fluents.transcript_turns by name select * replace (99 as turn_index)"
        " from fluents.transcript_turns where turn_index = 1",
        "delete from fluents.quarantine",
    ],
)
def test_what_is_missing_or_wrong_is_set_right(
    damage: str, loaded: SqliteBuffer, settings: Settings
) -> None:
    before = contents(settings.warehouse_path)
    with DuckDbWarehouse(settings) as warehouse:
        warehouse.connection.execute(damage)
    result = replay(settings)
    assert result.added + result.changed + result.removed > 0
    assert contents(settings.warehouse_path) == before


def test_a_body_that_the_disk_has_changed_changes_nothing_in_the_warehouse(
    loaded: SqliteBuffer, settings: Settings
) -> None:
    before = contents(settings.warehouse_path)
    with closing(sqlite3.connect(settings.buffer_file)) as connection:
        connection.execute(
            "update deliveries set body = cast(replace(body, 'later known', 'never said') as blob)"
        )
        connection.commit()
    result = replay(settings)
    assert (result.damaged, result.changed) == (2, 0)  # and the one that repeats it
    assert contents(settings.warehouse_path) == before


def test_since_leaves_alone_what_came_before(
    loaded: SqliteBuffer, settings: Settings, query: Query
) -> None:
    with DuckDbWarehouse(settings) as warehouse:
        warehouse.connection.execute("update fluents.errors set message = 'x'")
    since = START + 200 * 1_000_000
    result = replay(settings, since=since)
    assert result.first_received_at == since
    newest_wrong = "select max(epoch_us(received_at)), count(*) from fluents.errors"
    ((newest, count),) = query(f"{newest_wrong} where message = 'x'")
    assert newest < since
    assert 0 < count < query(newest_wrong)[0][1]


def test_a_call_keeps_what_events_said_that_are_gone_from_everywhere(
    loaded: SqliteBuffer, settings: Settings, query: Query
) -> None:
    with DuckDbWarehouse(settings) as warehouse:
        warehouse.connection.execute(
            "update fluents.calls set from_number = '+1999', from_number_event_id = '0'"
            " where call_id = 'call-1'"
        )
    assert replay(settings).error is None
    assert query("select from_number from fluents.calls where call_id = 'call-1'") == [("+1999",)]


def test_an_event_that_was_refused_first_stays_an_event(
    buffer: SqliteBuffer, clock: Clock, load: Load, settings: Settings
) -> None:
    from fluents_connector.delivery import validate

    (receipt,) = append_all(buffer, [b"{"], clock)
    repaired = validate(BODIES[0], webhook="main", received_at=START, event_id=receipt.event_id)
    buffer.retry(repaired)
    load()
    before = contents(settings.warehouse_path)
    assert len(before["errors"]) == len(before["quarantine"]) == 1
    assert replay(settings.model_copy(update={"batch_rows": 1})).removed == 0
    assert contents(settings.warehouse_path) == before


def test_a_replay_that_was_interrupted_is_done_by_the_next_load(
    loaded: SqliteBuffer, settings: Settings
) -> None:
    before = contents(settings.warehouse_path)
    with DuckDbWarehouse(settings) as warehouse:
        warehouse.connection.execute("update fluents.errors set message = 'x'")
    loader_state(settings).ask(ReplayRequest(REQUEST))
    assert not nothing_to_load(settings, loaded)

    def interrupt(done: int, total: int) -> None:
        if done and loader_state(settings).asked():
            raise KeyboardInterrupt

    with Loader(settings) as loader, pytest.raises(KeyboardInterrupt):
        loader.load(interrupt)
    assert loader_state(settings).asked() is not None
    with Loader(settings) as loader:
        loader.load()
    assert loader_state(settings).answered(REQUEST) is not None
    assert contents(settings.warehouse_path) == before


@pytest.mark.attack
def test_batches_that_need_too_much_memory_are_replayed_in_parts(
    loaded: SqliteBuffer, settings: Settings, load: Load
) -> None:
    long = [body("event_error", f"e{n}", unknown="z" * 500_000) for n in range(40)]
    append_all(loaded, long, Clock(START + 3_600_000_000))
    load()
    before = contents(settings.warehouse_path)
    small = settings.model_copy(update={"batch_bytes": 10**9, "memory_limit": "100MB"})
    assert replay(small, types=("event_error",)).error is None
    assert contents(settings.warehouse_path) == before


@pytest.mark.attack
def test_what_there_is_no_memory_for_is_skipped_and_named_and_stops_no_replay(
    buffer: SqliteBuffer,
    settings: Settings,
    clock: Clock,
    load: Load,
    query: Query,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [*(f"e{n}" for n in range(6)), "poison", "behind"]
    append_all(buffer, [body("event_error", {"why": text}, call_id=text) for text in texts], clock)
    load()
    real = replaying._merge

    def refuse(cursor: Any, table: Table, rows: pa.Table) -> Any:
        if table.name == "errors" and "poison" in rows["call_id"].to_pylist():
            raise duckdb.OutOfMemoryException("failed to pin block")
        return real(cursor, table, rows)

    monkeypatch.setattr(replaying, "_merge", refuse)
    changed = settings.model_copy(update={"fields": {"error_message": ["why"]}})
    with capture_logs() as logs:
        assert replay(changed, types=("event_error",)).error is None
    said = "select call_id from fluents.errors where message is not null and call_id in (?, ?, ?)"
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        answered = connection.execute(said + " order by all", ["e0", "poison", "behind"]).fetchall()
    assert answered == [("behind",), ("e0",)]
    errors = query("select event_id, call_id from fluents.errors")
    named = [e["event_id"] for e in logs if e["event"] == "delivery_not_replayed"]
    assert named == [event_id for event_id, call_id in errors if call_id == "poison"]
