"""A real receiver on a disk that is full, read-only, failing or gone: 503, and then well again."""

from __future__ import annotations

import resource
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import count
from pathlib import Path

import pytest
import requests

from fluents_connector.buffer import SqliteBuffer
from tests.attacks.disk import FULL, NO_SYNC, READ_ONLY, FaultyDisk, SmallDisk
from tests.connector.receiver.test_server import all_workers, metric, post_alone, until
from tests.deliveries import body, whole
from tests.processes import Receiver

pytestmark = pytest.mark.attack

SIZE = 20_000  # of a body; a hundred of them need more room than SQLite's files have to spare


class Poster:
    """Posts to a receiver from many threads, and keeps what was answered."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._numbers = count()
        self.stored: dict[bytes, str] = {}
        """Each body answered with 200, and its id."""
        self.refused: list[bytes] = []

    def post(self, times: int) -> set[int]:
        """Posts new bodies, and what was refused before once more; returns the statuses."""
        bodies = [body("event_error", f"{next(self._numbers)} " + "x" * SIZE) for _ in range(times)]
        again, self.refused = self.refused[:times], self.refused[times:]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(self._post_one, bodies + again))
        return {answer.status_code for answer in answers}

    def _post_one(self, content: bytes) -> requests.Response:
        answer = post_alone(self._receiver, content)
        if answer.status_code == 200:
            assert answer.json()["status"] == "stored"
            self.stored[content] = answer.json()["event_id"]
        else:
            self.refused.append(content)
            assert is_refusal(answer)
        return answer

    def check(self, buffer: Path) -> None:
        """Exactly what was answered with 200 is in the buffer, once, and is counted."""
        with closing(SqliteBuffer(buffer)) as opened:
            rows = whole(opened).rows
            assert Counter((row[6], row[1]) for row in rows) == Counter(self.stored.items())
            counts = opened.counts()
        assert counts.received == counts.pending == counts.last_position == len(self.stored)


def is_refusal(answer: requests.Response) -> bool:
    return (
        answer.status_code == 503
        and answer.headers["Retry-After"] == "5"
        and answer.json()["error"] == "unavailable"
        and set(answer.json()) == {"error", "detail"}
    )


def get(receiver: Receiver, path: str) -> requests.Response:
    return requests.get(f"{receiver.base}{path}", timeout=30)


def goes_through(
    trouble: Callable[[], AbstractContextManager[object]], receiver: Receiver
) -> Poster:
    """Posts before, in and after `trouble`, twice; all of it is as it should be."""
    poster = Poster(receiver)
    workers = set(all_workers(receiver))
    for _ in range(2):
        assert poster.post(20) == {200}
        with trouble():
            poster.post(100)
            assert poster.post(1) == {503}
            until(lambda: is_refusal(get(receiver, "/readyz")))  # it may have looked just before
            assert get(receiver, "/healthz").json() == {"status": "alive"}
        until(lambda: get(receiver, "/readyz").status_code == 200)
    poster.post(100)
    while poster.refused:
        assert poster.post(len(poster.refused)) == {200}
    assert metric(receiver, "fluents_acknowledged_total") == len(poster.stored)
    assert set(all_workers(receiver)) == workers
    return poster


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(FULL, id="full"),
        pytest.param(READ_ONLY, id="read-only"),
        pytest.param(NO_SYNC, id="no sync"),
        pytest.param(f"{NO_SYNC} -wal", id="no sync of the log"),
        pytest.param(f"{FULL} -wal", id="no room for the log"),
    ],
)
def test_a_failing_disk_loses_nothing_and_is_well_again_by_itself(
    disk: FaultyDisk, tmp_path: Path, fault: str
) -> None:
    with Receiver(tmp_path, env=disk.env) as receiver:
        poster = goes_through(lambda: disk.fails(fault), receiver)
    poster.check(tmp_path / ".fluents" / "buffer.sqlite")


def test_a_disk_that_fails_beneath_a_checkpoint_loses_nothing(
    disk: FaultyDisk, tmp_path: Path
) -> None:
    with Receiver(tmp_path, env=disk.env) as receiver:
        poster = Poster(receiver)
        with disk.fails(NO_SYNC, on="buffer.sqlite"):
            poster.post(300)
        with disk.fails(FULL, on="buffer.sqlite"):
            poster.post(300)
        poster.post(300)
        assert poster.refused == []  # the log has it all
    poster.check(tmp_path / ".fluents" / "buffer.sqlite")


def test_a_limit_on_the_size_of_files_is_a_full_disk(receiver: Receiver) -> None:
    @contextmanager
    def limited() -> Iterator[None]:
        processes = [receiver.process.pid, *(worker.pid for worker in all_workers(receiver))]
        size = (receiver.folder / ".fluents" / "buffer.sqlite-wal").stat().st_size
        for pid in processes:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        yield
        for pid in processes:
            unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)

    poster = goes_through(limited, receiver)
    poster.check(receiver.folder / ".fluents" / "buffer.sqlite")


@pytest.mark.parametrize("killed", [0, 1, 2])
def test_a_small_disk_that_is_really_full_loses_nothing_and_is_well_again(
    tmp_path: Path, killed: int
) -> None:
    data = tmp_path / ".fluents"
    data.mkdir()
    small = SmallDisk(data)
    with Receiver(tmp_path, within=small.within, env=small.env) as receiver:
        poster = Poster(receiver)
        workers = set(all_workers(receiver))
        assert poster.post(20) == {200}
        with small.full(receiver.process.pid):
            poster.post(200)
            assert poster.post(1) == {503}
            until(lambda: is_refusal(get(receiver, "/readyz")))
            assert get(receiver, "/healthz").status_code == 200
            for worker in list(workers)[:killed]:
                worker.kill()
            until(lambda: len({*workers, *all_workers(receiver)}) == 2 + killed)
            poster.post(20)
        until(lambda: get(receiver, "/readyz").status_code == 200)
        assert poster.post(10) == {200}
        assert len({*workers, *all_workers(receiver)}) == 2 + killed
        small.copy(receiver.process.pid, tmp_path / "copy")
    poster.check(tmp_path / "copy" / "buffer.sqlite")


def test_a_folder_that_is_moved_away_and_back_loses_nothing(receiver: Receiver) -> None:
    data, away = receiver.folder / ".fluents", receiver.folder / "away"

    @contextmanager
    def moved() -> Iterator[None]:
        data.rename(away)
        yield
        away.rename(data)

    goes_through(moved, receiver).check(data / "buffer.sqlite")


def test_a_worker_that_starts_while_the_folder_is_gone_makes_none(receiver: Receiver) -> None:
    data, away = receiver.folder / ".fluents", receiver.folder / "away"
    worker = all_workers(receiver)[0]
    data.rename(away)
    worker.kill()
    until(lambda: "is gone. Bring it back" in receiver.log.read_text())
    assert not data.exists()
    away.rename(data)
    poster = Poster(receiver)

    def stores_again() -> bool:
        try:
            return poster.post(4) == {200}
        except requests.ConnectionError:  # the other worker was still starting, and waits as well
            return False

    until(stores_again)


def test_a_deleted_folder_is_made_again_by_a_restart_only(receiver: Receiver) -> None:
    data = receiver.folder / ".fluents"
    assert Poster(receiver).post(20) == {200}
    shutil.rmtree(data)
    poster = Poster(receiver)
    assert poster.post(20) == {503}
    assert not data.exists()
    assert receiver.stop() == 0
    receiver.start()
    assert poster.post(20) == {200}
    poster.check(data / "buffer.sqlite")
