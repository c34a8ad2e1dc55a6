"""What the place of a buffer promises: what there is, is it whole, backup, restore, recovery."""

from __future__ import annotations

import base64
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from fluents_connector.buffer import BufferStore, StagingBuffer, StoredDelivery
from fluents_connector.delivery import validate
from fluents_connector.errors import BufferRefused, BufferUnavailable
from tests.contract.buffer.expected import GOOD
from tests.contract.buffer.implementations import IMPLEMENTATIONS, WITH_FILES, Place
from tests.deliveries import START, Clock, append_all, body, delivery, whole
from tests.processes import environment

STAMP = "20260101T000000Z"

with_files = pytest.mark.parametrize(
    "new_place", WITH_FILES.values(), ids=WITH_FILES, indirect=True
)
without_files = pytest.mark.parametrize(
    "new_place",
    [make for name, make in IMPLEMENTATIONS.items() if name not in WITH_FILES],
    ids=[name for name in IMPLEMENTATIONS if name not in WITH_FILES],
    indirect=True,
)


def fill(buffer: StagingBuffer) -> None:
    """Five events, of which one twice and two loaded, a refusal, and one that was repaired."""
    receipts = append_all(buffer, [*GOOD, GOOD[0], b"bad", b"worse"], Clock())
    repaired = body("event_error", "repaired")
    refused = receipts[-1].event_id
    buffer.retry(validate(repaired, webhook="main", received_at=START, event_id=refused))
    buffer.confirm(2)


def kept(store: BufferStore) -> tuple[str, list[StoredDelivery], object]:
    with closing(store.open()) as buffer:
        return buffer.buffer_id, whole(buffer).rows, buffer.counts()


def rows_by_id(store: BufferStore) -> list[tuple[object, ...]]:
    """What is kept, without positions."""
    _, rows, _ = kept(store)
    return sorted(row[1:] for row in rows)


def test_asking_whether_there_is_a_buffer_makes_none(store: BufferStore) -> None:
    assert not store.exists()
    with pytest.raises(BufferUnavailable) as refused:
        store.require()
    assert store.description
    assert store.description in str(refused.value)
    assert "is gone. Bring it back" in str(refused.value)
    assert not store.recovery_is_unfinished()
    assert not store.exists()
    store.open().close()
    assert store.exists()
    store.require()


def test_what_is_confirmed_and_the_ids_up_to_there_are_told_while_it_is_open(
    store: BufferStore, buffer: StagingBuffer
) -> None:
    fill(buffer)
    assert store.confirmed() == (buffer.buffer_id, 2)
    ids = [row.event_id for row in whole(buffer).rows]
    assert [one for group in store.ids_up_to(3) for one in group] == ids[:3]
    assert list(store.ids_up_to(0)) == []


@pytest.mark.parametrize("what", ["whole", "with what is loaded discarded", "loaded again"])
def test_in_a_healthy_buffer_nothing_is_found(
    store: BufferStore, buffer: StagingBuffer, what: str
) -> None:
    fill(buffer)
    if what == "with what is loaded discarded":
        assert buffer.discard(loaded_before=2**62, quarantined_before=2**62) == 2
    elif what == "loaded again":
        buffer.renew()
    assert buffer.changed() == []
    findings = list(store.findings())
    assert findings
    assert [finding for finding in findings if not finding.is_right] == []
    assert len({finding.subject for finding in findings}) == len(findings)
    assert all(finding.detail for finding in findings)


@with_files
def test_a_backup_of_an_open_buffer_is_restored_as_it_was(
    new_place: Callable[[], Place], store: BufferStore, buffer: StagingBuffer, tmp_path: Path
) -> None:
    fill(buffer)
    before = kept(store)
    assert store.backup(tmp_path / "backup") == 9
    buffer.append(delivery(body("event_error", "later"), received_at=START + 10**12))
    buffer.close()
    other = new_place()()
    assert other.restore(tmp_path / "backup", STAMP).set_aside is None
    assert kept(other) == before
    restored = store.restore(tmp_path / "backup", STAMP)
    assert restored.deliveries == 9
    assert kept(store) == before
    # and what only the former one has is added from where it is now
    assert restored.set_aside is not None
    assert store.recover_from(restored.set_aside).copied == 1
    assert kept(store)[1][-1].body == body("event_error", "later")


@with_files
def test_a_backup_replaces_a_file_only_where_it_is_told_to(
    store: BufferStore, buffer: StagingBuffer, tmp_path: Path
) -> None:
    fill(buffer)
    target = tmp_path / "backup"
    target.write_text("mine")
    with pytest.raises(BufferRefused, match="is there already"):
        store.backup(target)
    assert target.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["backup"]
    assert store.backup(target, overwrite=True) == 9
    assert target.stat().st_mode & 0o777 == 0o600


HOLDS_IT_OPEN = """
import base64, pickle, sys
buffer = pickle.loads(base64.b64decode(sys.argv[1])).open()
print("open", flush=True)
sys.stdin.read()
"""


@with_files
def test_a_buffer_that_another_process_has_open_is_not_replaced(
    store: BufferStore, tmp_path: Path
) -> None:
    with closing(store.open()) as buffer:
        fill(buffer)
    before = kept(store)
    store.backup(tmp_path / "backup")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS_IT_OPEN, base64.b64encode(pickle.dumps(store))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(BufferRefused, match="in use"):
            store.restore(tmp_path / "backup", STAMP)
        holder.communicate()
    assert holder.returncode == 0
    assert kept(store) == before
    assert store.restore(tmp_path / "backup", STAMP).deliveries == 9


@with_files
def test_what_is_no_backup_is_refused_with_nothing_changed(
    store: BufferStore, tmp_path: Path
) -> None:
    with closing(store.open()) as buffer:
        fill(buffer)
    before = kept(store)
    for content in (b"", b"not a backup " * 100):
        (tmp_path / "backup").write_bytes(content)
        with pytest.raises(BufferRefused):
            store.restore(tmp_path / "backup", STAMP)
    assert kept(store) == before


@with_files
def test_a_recovery_of_a_whole_buffer_keeps_all_of_it_and_loads_it_again(
    store: BufferStore,
) -> None:
    with closing(store.open()) as buffer:
        fill(buffer)
    former, before = kept(store)[0], rows_by_id(store)
    recovered = store.recover(STAMP)
    assert (recovered.copied, recovered.changed, recovered.unreadable) == (9, 0, 0)
    assert not store.recovery_is_unfinished()
    assert store.finish_recovery() is None
    assert rows_by_id(store) == before
    assert store.confirmed().buffer_id != former
    assert store.confirmed().position == 0
    assert store.recover_from(recovered.set_aside).copied == 0
    with closing(store.open()) as buffer:
        again = buffer.append(delivery(GOOD[0], received_at=START + 10**12))
    assert again.duplicate_of is not None


@without_files
def test_a_server_is_backed_up_and_restored_by_its_own_tools_and_the_refusals_name_them(
    store: BufferStore, buffer: StagingBuffer, tmp_path: Path
) -> None:
    fill(buffer)
    before = kept(store)
    for refused, named in (
        (lambda: store.backup(tmp_path / "backup"), "run: pg_dump --format=custom --schema="),
        (lambda: store.restore(tmp_path / "backup", STAMP), "run: pg_restore --dbname="),
        (lambda: store.recover(STAMP), "promote a standby or restore a backup"),
        (lambda: store.recover_from(tmp_path / "backup"), "Nothing was changed"),
    ):
        with pytest.raises(BufferRefused, match=named):
            refused()
    assert not store.recovery_is_unfinished()
    assert store.finish_recovery() is None
    assert not (tmp_path / "backup").exists()
    assert kept(store) == before
