"""The loader's file is compressed, and one that an older version began can be written anew."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.errors import LoadFailed, LoadRunning
from fluents_connector.settings import Settings
from fluents_pipelines.load import Loader, LoadResult
from fluents_pipelines.warehouse import compact
from fluents_pipelines.warehouse.duckdb_file import compaction
from fluents_pipelines.warehouse.duckdb_file.files import FILE, partial_of, snapshots_in
from tests.deliveries import Clock, append_all, body
from tests.pipelines.conftest import Query
from tests.pipelines.contents import contents

Load = Callable[[], LoadResult]
WORDS = ("table", "two", "free", "eight", "we", "shall", "see", "you", "then", "your", "friends")


def text(random: Random, words: int) -> str:
    return " ".join(random.choice(WORDS) + str(random.randrange(50)) for _ in range(words))


@pytest.fixture
def loaded(settings: Settings, load: Load, clock: Clock) -> Path:
    """The loader's file, published: calls with a transcript each, one of which is long."""
    random = Random(0)  # noqa: S311 # the same each time
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        bodies = [
            body("event_transcript", {"transcript": text(random, words)}, call_id=f"call-{nth}")
            for nth, words in enumerate([*[400] * 400, 10_000])
        ]
        append_all(buffer, bodies, clock)
    load()
    return settings.data_dir / FILE


@pytest.fixture
def older(loaded: Path, settings: Settings, load: Load) -> Path:
    """The same as an older version stored it: in DuckDB's first format, with less compressed."""
    copy = loaded.with_name("older.duckdb")
    config: dict[str, Any] = {"storage_compatibility_version": "v1.0.0"}
    with duckdb.connect(str(copy), config=config) as connection:
        connection.execute(f"attach '{loaded}' as newer (read_only)")
        connection.execute("copy from database newer to older")
    copy.replace(loaded)
    settings.warehouse_path.unlink()
    load()
    return loaded


def compressions(path: Path, table: str, column: str) -> set[str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute(
            "select distinct compression from pragma_storage_info(?)"
            " where column_name = ? and segment_type <> 'VALIDITY'",
            [table, column],
        ).fetchall()
    return {name for (name,) in rows}


def described(path: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(
            "select view_name, sql, comment from duckdb_views() where not internal"
            " union all select table_name || '.' || column_name, data_type || is_nullable, comment"
            " from duckdb_columns() where not internal order by all"
        ).fetchall()


@pytest.mark.attack
@pytest.mark.parametrize(
    ("table", "column"),
    [("fluents.events", "payload"), ("fluents.transcripts", "transcript")],
    ids=["payloads", "transcripts"],
)
def test_text_is_compressed_where_some_is_long(loaded: Path, table: str, column: str) -> None:
    assert compressions(loaded, table, column) == {"ZSTD"}


def test_compacting_an_older_file_makes_it_smaller_and_keeps_all_that_is_in_it(
    older: Path, settings: Settings
) -> None:
    assert compressions(older, "fluents.events", "payload") == {"Uncompressed"}
    rows, descriptions, size = contents(older), described(older), older.stat().st_size
    assert compact(settings) == (size, older.stat().st_size)
    assert older.stat().st_size < 0.7 * size
    assert contents(older) == rows
    assert described(older) == descriptions
    assert compressions(older, "fluents.events", "payload") == {"ZSTD"}


@pytest.mark.attack
def test_what_was_compacted_is_published_and_so_are_the_loads_behind_it(
    older: Path, settings: Settings, load: Load, clock: Clock, query: Query
) -> None:
    compact(settings)
    assert load().published
    assert settings.warehouse_path.read_bytes() == older.read_bytes()
    for nth in range(4):  # more than there are snapshots to make the next from
        with closing(SqliteBuffer(settings.buffer_file)) as buffer:
            append_all(buffer, [body("event_error", f"after {nth}")], clock)
        load()
        assert settings.warehouse_path.read_bytes() == older.read_bytes()
    assert query("select count(*) from fluents.errors where message like 'after %'") == [(4,)]
    assert snapshots_in(settings.warehouse_path)


@pytest.mark.attack
def test_no_file_is_compacted_while_a_loader_has_it(loaded: Path, settings: Settings) -> None:
    before = loaded.read_bytes()
    with Loader(settings), pytest.raises(LoadRunning):
        compact(settings)
    assert loaded.read_bytes() == before


@pytest.mark.attack
def test_where_the_new_file_has_no_room_the_former_stays(loaded: Path, settings: Settings) -> None:
    before = loaded.read_bytes()
    greedy = settings.model_copy(update={"disk_reserve_bytes": 2**62})
    with pytest.raises(LoadFailed, match=r"not compacted, and is as it was.*disk_reserve_bytes"):
        compact(greedy)
    assert loaded.read_bytes() == before


@pytest.mark.attack
def test_where_the_copy_says_something_else_the_former_stays(
    loaded: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, said = loaded.read_bytes(), iter("ab")
    monkeypatch.setattr(compaction, "_content", lambda *_: [next(said)])
    with pytest.raises(LoadFailed, match="something else"):
        compact(settings)
    assert loaded.read_bytes() == before
    assert not partial_of(loaded).exists()


def test_there_must_be_a_file_to_compact(settings: Settings) -> None:
    with pytest.raises(LoadFailed, match="load` first"):
        compact(settings)


@pytest.mark.attack
def test_what_a_killed_compaction_left_goes_with_the_next_load(
    loaded: Path, settings: Settings, load: Load
) -> None:
    partial = partial_of(loaded)
    leftovers = [partial, partial.with_name(f"{partial.name}.wal")]
    for leftover in leftovers:
        leftover.write_bytes(b"half of it")
    load()
    assert not any(leftover.exists() for leftover in leftovers)
    for leftover in leftovers:
        leftover.write_bytes(b"half of it")
    rows = contents(loaded)
    compact(settings)
    assert contents(loaded) == rows
    assert not any(leftover.exists() for leftover in leftovers)
