"""What is done to the buffer's log is what a power cut may do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fluents_connector.buffer import SqliteBuffer
from tests.attacks.faults import wal
from tests.attacks.faults.events import make, seeded
from tests.deliveries import delivery


@pytest.mark.parametrize("kind", wal.TAILS)
def test_a_torn_tail_takes_no_commit_with_it(tmp_path: Path, kind: str) -> None:
    killed = tmp_path / "killed"
    killed.mkdir()
    buffer = SqliteBuffer(tmp_path / "buffer.sqlite")
    stored = [make(number, "wal", seeded(number)).body for number in range(60)]
    for number, body in enumerate(stored):
        buffer.append(delivery(body, received_at=number, bits=number))
    # copied while open: as a killed process leaves it
    for name in ("buffer.sqlite", "buffer.sqlite-wal"):
        shutil.copy(tmp_path / name, killed / name)
    buffer.close()
    log = killed / "buffer.sqlite-wal"
    whole = log.read_bytes()
    end = wal.tear(log, kind, seeded(1))
    torn = log.read_bytes()
    assert end == len(whole)
    assert torn[:end] == whole
    assert len(torn) > end
    survivor = SqliteBuffer(killed / "buffer.sqlite")
    rows = survivor.read(0, 10**6, max_rows=10**6, max_bytes=10**9).rows
    assert [row[6] for row in rows] == stored
    survivor.append(delivery(b'{"call_id":"c","type":"t"}', received_at=10**6))
    assert survivor.counts().received == len(stored) + 1
    survivor.close()
