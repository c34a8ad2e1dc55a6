"""A snapshot is made of a former one by what changed, and equals the loader's file."""

from __future__ import annotations

import mmap
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import duckdb
import pytest

from fluents_pipelines.warehouse.duckdb_file import copying
from fluents_pipelines.warehouse.duckdb_file.blocks import checkpoint_of, differing, patch
from fluents_pipelines.warehouse.duckdb_file.copying import CHANGED, WHOLE
from tests.pipelines.warehouse.publishing import Publishing

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has leases of files")
MEGABYTE = 1024**2
TABLE = "create table big as select i, hash(i) as a, md5(i::varchar) as b from range(500000) r(i)"
ADD = "insert into big select i, hash(i), md5(i::varchar) from range(10) r(i)"


@contextmanager
def published_three_times(folder: Path) -> Iterator[Publishing]:
    """So that there are two former snapshots at most, and the next is made from one."""
    with Publishing(folder) as publishing:
        publishing.execute(TABLE)
        for _ in range(3):
            publishing.execute(ADD)
            publishing.publish()
        yield publishing


@linux
def test_little_is_written_where_little_changed(tmp_path: Path) -> None:
    with published_three_times(tmp_path) as publishing:
        for _ in range(5):
            publishing.execute(ADD)
            report = publishing.publish()
            assert report.method == CHANGED
            assert report.bytes_written < 2 * MEGABYTE < publishing.source.stat().st_size / 4
            assert publishing.files() == 2


@linux
def test_what_another_order_of_the_same_values_changes_is_written(tmp_path: Path) -> None:
    """Blocks of the same values in another order have the same checksum."""
    again = "create or replace table ids as select * from ids order by random()"
    with published_three_times(tmp_path) as publishing:
        publishing.execute(
            "create table ids as select i::varchar as name, uuid() as id from range(16000) r(i)"
        )
        publishing.publish()
        for _ in range(10):
            publishing.execute(again)
            assert publishing.publish().method == CHANGED


Reader = Callable[[Path], tuple[object, Callable[[], object]]]
"""Opens a snapshot. Returns what it sees, and a function that looks again, and closes it."""


def read_by_duckdb(path: Path) -> tuple[object, Callable[[], object]]:
    connection = duckdb.connect(str(path), read_only=True)

    def again() -> object:
        with connection:
            return connection.execute("select sum(hash(big)), count(*) from big").fetchall()

    return connection.execute("select sum(hash(big)), count(*) from big").fetchall(), again


def read_as_a_file(path: Path) -> tuple[object, Callable[[], object]]:
    file = path.open("rb")

    def again() -> object:
        with file:
            return file.read()

    return path.read_bytes(), again


def mapped(path: Path) -> tuple[object, Callable[[], object]]:
    with path.open("rb") as file:
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def again() -> object:
        with mapping:
            return mapping[:]

    return path.read_bytes(), again


def read_by_another_process(path: Path) -> tuple[object, Callable[[], object]]:
    process = subprocess.Popen(
        ["/bin/sh", "-c", 'exec 3< "$1"; echo open; read -r _; cat <&3', "sh", path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"open\n"
    return path.read_bytes(), lambda: process.communicate(b"now\n")[0]


@pytest.mark.attack
@pytest.mark.parametrize("read", [read_by_duckdb, read_as_a_file, mapped, read_by_another_process])
def test_a_snapshot_that_somebody_has_open_is_left_as_it_is(tmp_path: Path, read: Reader) -> None:
    with published_three_times(tmp_path) as publishing:
        before, again = read(publishing.target.resolve())
        for _ in range(6):
            publishing.execute(ADD)
            publishing.publish()
            assert publishing.files() <= 3
        assert again() == before
        for _ in range(3):
            publishing.execute(ADD)
            report = publishing.publish()
        assert report.method == (CHANGED if sys.platform == "linux" else WHOLE)


def written_by_duckdb(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from big where i % 2 = 0")


def written_with_its_time_set_back(path: Path) -> None:
    times = path.stat()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"careless")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.attack
@pytest.mark.parametrize("write", [written_by_duckdb, written_with_its_time_set_back, cut])
def test_what_somebody_wrote_into_a_former_snapshot_is_gone(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    with published_three_times(tmp_path) as publishing:
        for _ in range(3):
            former = publishing.target.resolve()
            publishing.execute(ADD)
            publishing.publish()
            write(former)
            publishing.execute(ADD)
            publishing.publish()


def test_a_second_name_of_a_snapshot_keeps_its_content(tmp_path: Path) -> None:
    with published_three_times(tmp_path) as publishing:
        kept = tmp_path / "backup.duckdb"
        kept.hardlink_to(publishing.target.resolve())
        content = kept.read_bytes()
        for _ in range(4):
            publishing.execute(ADD)
            publishing.publish()
        assert kept.read_bytes() == content


@linux
def test_whoever_opens_what_is_being_written_waits_and_finds_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    readers = []

    def slow(source: BinaryIO, partial: BinaryIO, parts: list[tuple[int, int]]) -> int:
        with copy.open("wb") as file:
            reader = subprocess.Popen(["/bin/cat", publishing.snapshots.partial], stdout=file)
        readers.append(reader)
        with pytest.raises(subprocess.TimeoutExpired):
            reader.wait(0.5)
        return patch(source, partial, parts)

    with published_three_times(tmp_path) as publishing:
        monkeypatch.setattr(copying, "patch", slow)
        publishing.execute(ADD)
        assert publishing.publish().method == CHANGED
        assert [reader.wait(30) for reader in readers] == [0]
        assert copy.read_bytes() == publishing.target.read_bytes()


KILLED = """
import os, sys
from pathlib import Path
from fluents_pipelines.warehouse.duckdb_file import copying
from tests.pipelines.warehouse.publishing import Publishing
from tests.pipelines.warehouse.test_snapshots import ADD

real = copying.patch
def killed(source, copy, parts):
    real(source, copy, parts[: len(parts) // 2])
    os._exit(9)

copying.patch = killed
with Publishing(Path(sys.argv[1])) as publishing:
    publishing.execute(ADD)
    publishing.publish()
"""


@linux
def test_a_snapshot_that_a_kill_left_half_made_is_not_used(tmp_path: Path) -> None:
    with published_three_times(tmp_path) as publishing:
        content = publishing.target.read_bytes()
    ended = subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)
    assert ended.returncode == 9
    assert publishing.target.read_bytes() == content
    assert publishing.snapshots.partial.exists()
    assert publishing.snapshots.partial not in publishing.snapshots.former()
    with Publishing(tmp_path) as publishing:
        publishing.execute(ADD)
        assert publishing.publish().method == WHOLE  # the only former one was half made
        assert not publishing.snapshots.partial.exists()


@linux
def test_the_next_loader_goes_on_from_what_the_last_one_knew(tmp_path: Path) -> None:
    with published_three_times(tmp_path):
        pass
    for _ in range(3):
        with Publishing(tmp_path) as publishing:
            (former,) = publishing.snapshots.former()
            assert publishing.snapshots.changed_blocks(former) is not None
            publishing.execute(ADD)
            assert publishing.publish().method == CHANGED


@linux
def test_what_was_not_seen_is_compared_whole(tmp_path: Path) -> None:
    with published_three_times(tmp_path) as publishing:
        for _ in range(3):
            publishing.connection.execute(ADD)
            publishing.connection.execute("checkpoint")
        publishing.execute(ADD)
        (former,) = publishing.snapshots.former()
        assert publishing.snapshots.changed_blocks(former) is None
        report = publishing.publish()
        assert report.method == CHANGED
        assert report.bytes_written < 2 * MEGABYTE


@pytest.mark.attack
@linux
@pytest.mark.parametrize("record", ["another file", "no record", "no JSON", "another form"])
def test_a_record_of_something_else_is_not_believed(tmp_path: Path, record: str) -> None:
    with published_three_times(tmp_path) as publishing:
        pass
    path = publishing.snapshots.folder / "blocks.json"
    match record:
        case "another file":
            shutil.copy(publishing.source, tmp_path / "old")
            with Publishing(tmp_path) as publishing:
                publishing.execute(ADD)
                publishing.publish()
            shutil.copy(tmp_path / "old", publishing.source)
        case "no record":
            path.unlink()
        case "no JSON":
            path.write_text("{")
        case "another form":
            path.write_text('{"left_at": 3, "known": []}')
    with Publishing(tmp_path) as publishing:
        former = publishing.snapshots.former()
        assert [publishing.snapshots.changed_blocks(path) for path in former] == [None] * len(
            former
        )
        publishing.execute(ADD)
        publishing.publish()


def test_with_whole_copies_no_snapshot_is_changed(tmp_path: Path) -> None:
    with Publishing(tmp_path, whole_copies=True) as publishing:
        publishing.execute(TABLE)
        for _ in range(4):
            publishing.execute(ADD)
            assert publishing.publish().method == WHOLE
            assert publishing.files() <= 2


def test_a_former_snapshot_of_another_user_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with published_three_times(tmp_path) as publishing:
        # the tests may run as root, who may write to everything
        monkeypatch.setattr(copying.os, "access", lambda *_: False)
        publishing.execute(ADD)
        assert publishing.publish().method == WHOLE


@pytest.mark.parametrize("options", ["block_size 16384", "encryption_key 'secret'"])
def test_a_file_of_another_layout_is_compared_whole(tmp_path: Path, options: str) -> None:
    path, copy = tmp_path / "other.duckdb", tmp_path / "copy"
    with duckdb.connect() as connection:
        connection.execute("set force_mbedtls_unsafe = true")
        connection.execute(f"attach '{path}' as other ({options})")
        connection.execute("create table other.t as select uuid() as id from range(20000)")
        connection.execute("checkpoint other")
        shutil.copy(path, copy)
        connection.execute("update other.t set id = uuid()")
        connection.execute("checkpoint other")
        with path.open("rb") as source, copy.open("r+b") as changed:
            assert checkpoint_of(source) is None
            patch(source, changed, differing(source, changed, None))
        assert copy.read_bytes() == path.read_bytes()
