"""A backup is right under traffic, and a restore loses and doubles nothing."""

from __future__ import annotations

import sqlite3
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.buffer.sqlite.check import check_buffer
from fluents_connector.buffer.sqlite.rows import delete
from fluents_connector.settings import Settings, load_settings
from tests.deliveries import Clock, append_all, body
from tests.processes import Receiver, write_settings

Command = Callable[..., subprocess.CompletedProcess[str]]
KEEP = {"buffer_keep_days": 36500, "quarantine_keep_days": 36500}
BODIES = [body("event_error", number) for number in range(40)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_settings(tmp_path, **KEEP)
    return load_settings(tmp_path / "fluents.toml")


def store(settings: Settings, bodies: list[bytes], clock: Clock) -> None:
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        append_all(buffer, bodies, clock)


def messages(settings: Settings) -> list[str]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        rows = connection.execute("select payload::varchar from fluents.events").fetchall()
    return sorted((row[0] for row in rows), key=int)


@pytest.mark.attack
def test_a_backup_under_traffic_ends_and_holds_what_was_acknowledged_before(
    receiver: Receiver, command: Command, tmp_path: Path
) -> None:
    for number in range(20):
        assert receiver.post(body("event_error", number)).status_code == 200
    stop = threading.Event()
    answers: list[int] = []

    def send() -> None:
        number = 20
        while not stop.is_set():
            answers.append(receiver.post(body("event_error", number)).status_code)
            number += 1

    sending = threading.Thread(target=send)
    sending.start()
    try:
        result = command("buffer", "backup", "copy.sqlite")
    finally:
        stop.set()
        sending.join()
    assert result.returncode == 0, result.stderr
    assert set(answers) == {200}
    copy = tmp_path / "copy.sqlite"
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [finding for finding in check_buffer(copy) if not finding.is_right] == []
    with closing(SqliteBuffer(copy)) as buffer:
        assert 20 <= buffer.counts().received <= 20 + len(answers)
    again = command("buffer", "backup", "copy.sqlite")
    assert (again.returncode, "is there already" in again.stderr) == (1, True)
    assert command("buffer", "backup", "--overwrite", "copy.sqlite").returncode == 0
    restored = command("buffer", "restore", "copy.sqlite")
    assert (restored.returncode, "is in use" in restored.stderr) == (1, True)
    assert receiver.post(body("event_error", "after")).status_code == 200


@pytest.mark.attack
def test_after_a_restore_nothing_is_lost_or_doubled(command: Command, settings: Settings) -> None:
    clock = Clock()
    store(settings, BODIES[:10], clock)
    assert command("load").returncode == 0
    store(settings, BODIES[10:15], clock)
    assert command("buffer", "backup", "copy.sqlite").returncode == 0
    store(settings, BODIES[15:20], clock)
    assert command("load").returncode == 0
    store(settings, BODIES[20:25], clock)
    result = command("buffer", "restore", "copy.sqlite")
    assert (result.returncode, result.stdout.splitlines()[0][:23]) == (0, "Restored 15 deliveries ")
    store(settings, BODIES[25:40], clock)  # at positions that were given before
    assert command("load").returncode == 0
    expected = [str(n) for n in range(40) if not 20 <= n < 25]
    assert messages(settings) == expected
    advice = result.stdout.splitlines()[-1].split()
    assert command(*advice[1:]).returncode == 0
    assert command("load").returncode == 0
    assert messages(settings) == [str(n) for n in range(40)]
    assert command("buffer", "check").returncode == 0


@pytest.mark.attack
def test_what_was_deleted_before_a_backup_is_no_damage_after_a_restore(
    command: Command, settings: Settings
) -> None:
    clock = Clock()
    store(settings, BODIES[:10], clock)
    assert command("load").returncode == 0
    store(settings, BODIES[10:15], clock)
    with closing(sqlite3.connect(settings.buffer_file)) as connection, connection:
        delete(connection, "select position from deliveries where position <= ?", (4,))
    assert command("buffer", "backup", "copy.sqlite").returncode == 0
    assert command("buffer", "restore", "copy.sqlite").returncode == 0
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        buffer.renew()  # as the next load does, which may be killed before it has confirmed
    checked = command("buffer", "check")
    assert (checked.returncode, "All 11 deliveries that wait" in checked.stdout) == (0, True)
    assert command("buffer", "backup", "again.sqlite").returncode == 0


def test_a_leftover_log_is_set_aside_with_its_buffer(command: Command, settings: Settings) -> None:
    store(settings, BODIES[:3], Clock())
    assert command("buffer", "backup", "copy.sqlite").returncode == 0
    wal = Path(f"{settings.buffer_file}-wal")
    settings.buffer_file.unlink()
    wal.write_bytes(b"\x37\x7f\x06\x82" + b"x" * 5000)
    assert command("buffer", "restore", "copy.sqlite").returncode == 0
    assert not wal.exists()
    assert command("buffer", "check").returncode == 0


@pytest.mark.attack
@pytest.mark.parametrize("kind", ["foreign", "empty", "damaged", "newer", "itself"])
def test_what_would_corrupt_is_refused_with_nothing_changed(
    kind: str, command: Command, settings: Settings, tmp_path: Path
) -> None:
    store(settings, BODIES, Clock())
    assert command("buffer", "backup", "copy.sqlite").returncode == 0
    copy = tmp_path / "copy.sqlite"
    content = bytearray(copy.read_bytes())
    if kind == "foreign":
        content = bytearray(b"some text")
    elif kind == "empty":
        content = bytearray()
    elif kind == "damaged":
        content[4096 * 3 : 4096 * 6] = b"\xaa" * 4096 * 3
    elif kind == "newer":
        content[60:64] = (99).to_bytes(4, "big")
    copy.write_bytes(content)
    before = settings.buffer_file.read_bytes()
    source = str(settings.buffer_file) if kind == "itself" else "copy.sqlite"
    result = command("buffer", "restore", source)
    assert (result.returncode, "Traceback" in result.stderr) == (1, False), result.stderr
    assert settings.buffer_file.read_bytes() == before
    assert copy.read_bytes() == content
