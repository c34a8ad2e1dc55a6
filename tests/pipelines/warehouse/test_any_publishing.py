"""After any drawn steps, what readers have open, copy or open next is a file the loader had."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluents_pipelines.warehouse.duckdb_file import copying
from tests.pipelines.profiles import examples
from tests.pipelines.warehouse.publishing import Publishing

pytestmark = pytest.mark.attack

START = (
    "create table big (i bigint primary key, a uuid, b varchar)",
    "create table ids as select i::varchar as name, uuid() as id from range(16000) r(i)",
)
CHANGES = {
    "a few rows": "insert into big select count(*) + 1e12 * random(), uuid(), 'few' from big",
    "many rows": "insert or ignore into big select hash(uuid()) >> 2, uuid(), md5(i::varchar)"
    " from range(30000) r(i)",
    "deletes": "delete from big where i % 7 = (select count(*) % 7 from big)",
    "updates": "update big set b = b || 'y', a = uuid() where i % 100 = 1",
    "upserts": "insert or replace into big select i, uuid(), 'again' from big limit 500",
    "another order": "create or replace table ids as select * from ids order by random()",
    "a model": "create or replace table model as select a, b from big order by b limit 5000",
    "a view": "create or replace view of_big as select count(*) as n from big",
    "a column": "alter table ids add column if not exists more integer default 7",
    "no column": "alter table ids drop column if exists more",
    "vacuum": "vacuum",
}
STEPS = (
    *CHANGES,
    *("publish" for _ in range(8)),
    *("an unseen checkpoint", "a kill while publishing", "another loader"),
    *("a reader", "a file reader", "a copy", "readers end"),
    *("a writer into the former", "a writer into the current", "a torn former"),
)
ALL = "select sum(hash(big))::varchar, (select sum(hash(ids))::varchar from ids) from big"


class Killed(BaseException):
    pass


def digest(file: BinaryIO) -> str:
    with suppress(ValueError):
        file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


class Readers:
    """Whoever has a snapshot open, and what it saw at first."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._files: list[tuple[BinaryIO, str]] = []
        self._connections: list[tuple[duckdb.DuckDBPyConnection, object]] = []
        self._copies: list[tuple[subprocess.Popen[bytes], Path]] = []
        self.published: set[str] = set()

    def read(self) -> None:
        connection = duckdb.connect(str(self._target), read_only=True)
        self._connections.append((connection, connection.execute(ALL).fetchall()))

    def read_file(self) -> None:
        file = self._target.open("rb")
        self._files.append((file, digest(file)))

    def copy(self) -> None:
        copy = self._target.with_name(f"copy{len(self._copies)}")
        self._copies.append((subprocess.Popen(["/bin/cp", self._target, copy]), copy))

    def end(self) -> None:
        for file, before in self._files:
            assert digest(file) == before
            file.close()
        for connection, rows in self._connections:
            assert connection.execute(ALL).fetchall() == rows
            connection.close()
        for process, copy in self._copies:
            assert process.wait(60) == 0
            with copy.open("rb") as file:
                assert digest(file) in self.published
        self._files, self._connections, self._copies = [], [], []


def write_into(path: Path | None) -> None:
    if path is not None:
        # refused where the file is torn
        with suppress(duckdb.Error), duckdb.connect(str(path)) as connection:
            connection.execute("delete from big where i % 2 = 0")


def tear(path: Path | None) -> None:
    if path is not None:
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 3)
            file.write(os.urandom(300_000))


def killed_publish(publishing: Publishing) -> None:
    real = copying.patch

    def killed(source: BinaryIO, copy: BinaryIO, parts: list[tuple[int, int]]) -> int:
        real(source, copy, parts[: len(parts) // 2])
        raise Killed

    copying.patch = killed
    try:
        publishing.publish()
    except Killed:
        pass
    finally:
        copying.patch = real


@given(steps=st.lists(st.sampled_from(STEPS), min_size=20, max_size=60))
@examples(25)
def test_any_steps(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        publishing = Publishing(folder)
        publishing.execute(*START)
        publishing.publish()
        readers = Readers(publishing.target)

        def note() -> None:
            with publishing.target.open("rb") as file:
                readers.published.add(digest(file))

        note()
        try:
            for step in [*steps, "publish", "readers end"]:
                former = next(iter(publishing.snapshots.former()), None)
                match step:
                    case "publish":
                        publishing.publish()
                        assert publishing.files() <= 3
                        with duckdb.connect(str(publishing.target), read_only=True) as reader:
                            rows = reader.execute(ALL).fetchall()
                        assert rows == publishing.connection.execute(ALL).fetchall()
                        note()
                    case "an unseen checkpoint":
                        publishing.connection.execute(CHANGES["updates"])
                        publishing.connection.execute("checkpoint")
                    case "a kill while publishing":
                        killed_publish(publishing)
                        note()
                    case "another loader":
                        publishing.close()
                        publishing = Publishing(folder)
                    case "a reader":
                        readers.read()
                    case "a file reader":
                        readers.read_file()
                    case "a copy":
                        readers.copy()
                    case "readers end":
                        readers.end()
                    case "a writer into the former":
                        readers.end()  # they would see what he writes
                        write_into(former)
                    case "a writer into the current":
                        readers.end()
                        write_into(publishing.target)
                        note()
                    case "a torn former":
                        readers.end()
                        tear(former)
                    case change:
                        publishing.execute(CHANGES[change])
        finally:
            publishing.close()
