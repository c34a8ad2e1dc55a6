"""A damaged buffer is noticed, set aside, and what can be read of it is saved."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from fluents_connector.buffer import Finding, SqliteBuffer, SqliteStore
from fluents_connector.buffer.sqlite.check import check_buffer
from fluents_connector.buffer.sqlite.recover import finish, recover, recover_from, unfinished
from fluents_connector.delivery import validate
from fluents_connector.errors import BufferRefused, BufferUnavailable
from fluents_connector.simulator import simulate
from tests.deliveries import START, Clock, append_all, body, delivery, whole
from tests.processes import environment

PAGE = 4096
BODIES = [one.body for one in islice(simulate(seed=4), 600)]
UNIQUE = body("event_error", "written once")
NOISE = random.Random(0).randbytes(PAGE - 100)  # noqa: S311
STAMP = "20260101T000000Z"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A buffer of 600 events, some repeated, two refused and one of these stored after all."""
    path = tmp_path / "buffer.sqlite"
    with closing(SqliteBuffer(path)) as buffer:
        receipts = append_all(buffer, [*BODIES, b"[]", b"{", *BODIES[:5], UNIQUE], Clock())
        repaired = body("event_error", "repaired")
        refused = receipts[len(BODIES)].event_id
        buffer.retry(validate(repaired, webhook="main", received_at=START, event_id=refused))
        buffer.confirm(400)
    return path


def rows(path: Path) -> dict[tuple[str, bool], tuple[object, ...]]:
    """What a buffer holds, without positions, by id and whether it was refused."""
    with closing(SqliteBuffer(path)) as buffer:
        return {(row[1], row[8] is not None): row[2:] for row in whole(buffer).rows}


def wrong(path: Path) -> dict[str, Finding]:
    return {finding.subject: finding for finding in check_buffer(path) if not finding.is_right}


def pages_overwritten(number: int, seed: int) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        chance = random.Random(seed)  # noqa: S311
        with path.open("r+b") as file:
            for _ in range(number):
                file.seek(PAGE * chance.randrange(12, path.stat().st_size // PAGE))
                file.write(chance.randbytes(PAGE))

    return damage


def cut_short(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 // PAGE * PAGE)


def test_a_whole_buffer_has_nothing_wrong(path: Path) -> None:
    assert wrong(path) == {}
    assert [finding.subject for finding in check_buffer(path)] == [
        "file",
        "bodies",
        "positions",
        "identity",
        "duplicates",
        "counters",
    ]


def test_what_was_discarded_is_nothing_wrong(path: Path) -> None:
    with closing(SqliteBuffer(path)) as buffer:
        assert buffer.discard(loaded_before=START + 300 * 10**6, quarantined_before=0) > 200
    assert wrong(path) == {}


@pytest.mark.parametrize(
    ("statement", "subject"),
    [
        ("delete from deliveries where position = 500", "positions"),
        ("update buffer set received = received - 1", "counters"),
        ("update buffer set duplicates = duplicates + 1", "counters"),
        ("update deliveries set event_id = (select min(event_id) from deliveries)"
         " where position = 50", "identity"),
        ("update deliveries set body_hash = x'00' where position = 3", "bodies"),
        ("update deliveries set duplicate_of = (select event_id from deliveries where position = 9)"
         " where duplicate_of is not null", "duplicates"),
        ("update buffer set confirmed_position = 5000", "positions"),
        ("delete from buffer", "positions"),
        ("update deliveries set call_id = 'other' where position = 30", "bodies"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(statement: str, subject: str, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)
    found = wrong(path)
    assert subject in found
    assert found[subject].advice


@pytest.mark.parametrize(
    "damage",
    [pages_overwritten(1, 1), pages_overwritten(5, 2), pages_overwritten(25, 3), cut_short],
    ids=["one page", "five pages", "25 pages", "cut short"],
)
def test_what_can_be_read_of_a_damaged_buffer_is_saved_and_the_file_is_kept(
    damage: Callable[[Path], None], path: Path
) -> None:
    before = rows(path)
    damage(path)
    damaged = path.read_bytes()
    assert "file" in wrong(path)
    result = recover(path, STAMP)
    assert result.set_aside.read_bytes() == damaged
    assert wrong(path) == {}
    after = rows(path)
    assert len(after) == result.copied > 200
    assert result.copied + result.unreadable >= len(before)
    changed = {key for key in after if key not in before or after[key] != before[key]}
    # a duplicate whose first is gone may have taken its place; a changed body is refused
    for key in changed:
        *others, duplicate_of, reason, _ = after[key]
        has_moved_up = others == list(before[key][:5]) and duplicate_of is None and not reason
        assert reason == "damaged" or has_moved_up
    assert result.changed == sum(row[6] == "damaged" for row in after.values())
    with closing(SqliteBuffer(path)) as buffer:
        counts = buffer.counts()
    assert counts.confirmed_position == 0
    assert counts.received == counts.duplicates + counts.quarantined + counts.pending


def test_a_body_that_changed_goes_to_the_quarantine(path: Path) -> None:
    with closing(SqliteBuffer(path)) as buffer:
        row = whole(buffer).rows[-2]
    content = path.read_bytes()
    assert content.count(b"written once") == 1
    path.write_bytes(content.replace(b"written once", b"written twic"))
    assert set(wrong(path)) == {"bodies"}
    result = recover(path, STAMP)
    assert (result.changed, result.unreadable) == (1, 0)
    with closing(SqliteBuffer(path)) as buffer:
        found = buffer.quarantined_delivery(row[1])
    assert found is not None
    assert (found.reason, found.body) == ("damaged", UNIQUE.replace(b"once", b"twic"))


def test_a_damaged_schema_saves_nothing_and_keeps_the_file(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100:PAGE] = NOISE
    path.write_bytes(content)
    assert "file" in wrong(path)
    result = recover(path, STAMP)
    assert (result.copied, result.set_aside.read_bytes()) == (0, bytes(content))
    assert wrong(path) == {}


def test_what_a_receiver_stores_meanwhile_is_saved_as_well(path: Path) -> None:
    late = delivery(body("event_error", "late"), received_at=START + 10**12)
    with closing(SqliteBuffer(path)) as receiver:
        result = recover(path, STAMP)
        receipt = receiver.append(late)  # goes on with the new file by itself
        assert receipt.duplicate_of is None
    with closing(SqliteBuffer(result.set_aside)) as old:
        old.append(delivery(body("event_error", "last"), received_at=START + 2 * 10**12))
    before = rows(path)
    assert (late.event_id, False) in before
    again = recover_from(result.set_aside, path)
    assert again.copied == 1
    assert len(rows(path)) == len(before) + 1
    assert recover_from(result.set_aside, path).copied == 0
    assert wrong(path) == {}


KILLED = """
import os, sys
from pathlib import Path
from fluents_connector.buffer.sqlite.recover import recover

left = int(sys.argv[2])

def killing(real):
    def step(*arguments, **options):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return real(*arguments, **options)
    return step

Path.hardlink_to = killing(Path.hardlink_to)
Path.unlink = killing(Path.unlink)
recover(Path(sys.argv[1]), "20260101T000000Z")
"""
STEPS = 10  # three links, three names taken away, the new file's link, and three at the end


@pytest.mark.attack
@pytest.mark.parametrize("receiver", ["goes on", "is restarted"])
@pytest.mark.parametrize("step", range(STEPS + 1))
def test_a_recovery_killed_at_any_step_is_finished_by_the_next(
    step: int, receiver: str, path: Path, tmp_path: Path
) -> None:
    with closing(SqliteBuffer(path)) as buffer:  # so that some rows are only in the WAL
        buffer.append(delivery(body("event_error", "in the log"), received_at=START + 10**12))
        folder = tmp_path / "killed"
        shutil.copytree(path.parent, folder, ignore=shutil.ignore_patterns("killed", "*-shm"))
    killed = folder / path.name
    assert Path(f"{killed}-wal").stat().st_size > 0
    expected = rows(path)
    command = [sys.executable, "-c", KILLED, str(killed), str(step)]
    ended = subprocess.run(command, env=environment(), check=False)
    assert ended.returncode == (9 if step < STEPS else 0)
    if receiver == "is restarted":
        SqliteBuffer(killed).close()
    begun = unfinished(killed)
    if begun and killed.exists():
        assert "recovery" in wrong(killed)
    if finish(killed) is None and begun:
        recover(killed, "later")
    assert unfinished(killed) == []
    assert wrong(killed) == {}
    assert rows(killed) == expected
    assert [*killed.parent.glob(f"{killed.name}.damaged-*")]


def test_the_mark_of_a_duplicate_stays_where_the_warehouse_has_the_first(tmp_path: Path) -> None:
    path = tmp_path / "buffer.sqlite"
    one, two = body("event_error", "one"), body("event_error", "two")
    with closing(SqliteBuffer(path)) as buffer:
        held = append_all(buffer, [one, two, one, two], Clock())[0]
        buffer.confirm(1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("delete from deliveries where position = 2")
        connection.commit()
    recover(path, STAMP)
    with closing(SqliteBuffer(path)) as buffer:
        marks = [row[7] for row in whole(buffer).rows]
    assert marks == [None, held.event_id, None]


@pytest.mark.parametrize("function", [recover, recover_from], ids=["recover", "recover from"])
def test_a_file_of_another_program_is_left_alone(
    function: Callable[[Path, object], object], tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database " * 100)
    with pytest.raises(BufferRefused):
        function(path, tmp_path / "buffer.sqlite")
    assert path.read_text() == "not a database " * 100
    assert [found.name for found in tmp_path.iterdir()] == ["notes.txt"]


def test_a_damaged_buffer_tells_the_receiver_what_to_do(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    shutil.copy(path, copy)
    content = bytearray(copy.read_bytes())
    content[100:PAGE] = NOISE
    copy.write_bytes(content)
    with pytest.raises(BufferUnavailable, match="buffer recover"):
        SqliteBuffer(copy)


def test_a_recovery_that_the_file_system_refuses_says_so_and_takes_nothing_away(path: Path) -> None:
    before = rows(path)
    with pytest.raises(BufferUnavailable, match="File name too long"):
        SqliteStore(path).recover("x" * 300)
    assert rows(path) == before
