"""Any sequence of deliveries, loads, losses, faults and restarts gives the tables of a plain model.

The buffer is compared with the model after each step, and what is published after each load.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.delivery import validate
from fluents_connector.errors import BufferUnavailable, LoadFailed
from fluents_connector.settings import Settings
from fluents_connector.settings.payload_fields import PAYLOAD_FIELDS
from fluents_pipelines.load import Loader
from fluents_pipelines.normalize import Normalizer
from tests.deliveries import START, TOKEN, body, delivery, whole
from tests.pipelines.bodies import ANY
from tests.pipelines.profiles import examples
from tests.pipelines.reference import expected, published
from tests.pipelines.staged import Held, Staged

pytestmark = pytest.mark.attack

SECOND = 1_000_000
KEPT_FOR_EVER = 36500  # days: the deliveries were received in the past


RECEIVED = st.lists(st.tuples(st.sampled_from(ANY), st.integers(0, 60)), min_size=1, max_size=9)
"""Bodies, and the second of receipt: not in the order in which they arrive."""


class Interrupted(BaseException):
    """Ends a load as Ctrl-C would."""


class WholePath(RuleBasedStateMachine):
    """A buffer, a loader and the published file, beside a model of them."""

    normalizer: Normalizer
    folders: Iterator[Path]

    @initialize()
    def make(self) -> None:
        folder = next(type(self).folders)
        self.settings = Settings(
            data_dir=folder / "data",
            warehouse_path=folder / "published.duckdb",
            webhooks={"main": TOKEN},
            buffer_keep_days=KEPT_FOR_EVER,
            quarantine_keep_days=KEPT_FOR_EVER,
        )
        self.numbers = count()
        self.buffer = SqliteBuffer(self.settings.buffer_file)
        self.loader: Loader | None = None
        self.is_replaced = False  # the buffer's file, under the loader
        self.staged = Staged()
        self.held: Held = {}
        self.copy: tuple[Path, Staged] | None = None

    @rule(bodies=RECEIVED)
    def receive(self, bodies: list[tuple[bytes, int]]) -> None:
        for content, second in bodies:
            new = delivery(content, received_at=START + second * SECOND, bits=next(self.numbers))
            assert self.buffer.append(new) == (new.event_id, self.staged.append(new))

    @precondition(lambda self: self.staged.refusals)
    @rule(data=st.data(), is_repaired=st.booleans())
    def settle_a_refusal(self, data: st.DataObject, is_repaired: bool) -> None:
        refused = data.draw(st.sampled_from(list(self.staged.refusals.values())))
        if not is_repaired:
            assert self.buffer.drop(refused.event_id)
            self.staged.drop(refused.event_id)
            return
        repaired = validate(
            body("event_error", str(refused.body), call_id="call-1"),
            webhook=refused.webhook,
            received_at=refused.received_at,
            event_id=refused.event_id,
        )
        assert self.buffer.retry(repaired) is not None
        self.staged.retry(repaired)

    @rule(bodies=RECEIVED)
    def load(self, bodies: list[tuple[bytes, int]]) -> None:
        self.receive(bodies)
        self._load()

    @rule(
        bodies=RECEIVED,
        batches=st.integers(0, 2),
        error=st.sampled_from((Interrupted, LoadFailed)),
        is_noted=st.booleans(),
    )
    def load_until_interrupted(
        self,
        bodies: list[tuple[bytes, int]],
        batches: int,
        error: type[BaseException],
        is_noted: bool,
    ) -> None:
        self.receive(bodies)
        loader, positions = self._open(batch_rows=4), []

        def progress(done: int, total: int) -> None:
            positions.append(self.staged.last - (total - done))
            if len(positions) > batches:
                raise error

        try:
            loader.load(progress)
        except error:
            self._confirmed(positions[-1])
        else:
            self._all_is_loaded()
            return
        if not is_noted and len(positions) > 1:
            # killed after DuckDB had committed the last batch, before dlt took note of it
            loader._warehouse.connection.execute(
                "delete from fluents._dlt_loads where load_id ="
                " (select max(load_id) from fluents._dlt_loads)"
            )
            self.staged.confirmed = positions[-2]
            self.buffer.confirm(positions[-2])

    @rule()
    def fail_to_publish(self) -> None:
        self.receive([(ANY[0], 0)])
        self.settings.warehouse_path.unlink(missing_ok=True)
        self.settings.warehouse_path.mkdir()
        with pytest.raises(LoadFailed, match="could not be published"):
            self._open().load()
        self.settings.warehouse_path.rmdir()
        self._all_is_loaded()

    @rule(batch_rows=st.sampled_from((5, 25_000)), batch_bytes=st.sampled_from((900, 2**25)))
    def restart_the_loader(self, batch_rows: int, batch_bytes: int) -> None:
        self._open(batch_rows=batch_rows, batch_bytes=batch_bytes)

    @rule()
    def load_and_discard_all_that_is_old(self) -> None:
        self._open(buffer_keep_days=7)
        self._load()
        self.staged.discard(2**62, 0)
        self._open()

    @rule(events=st.integers(0, 60), refused=st.integers(0, 60))
    def discard(self, events: int, refused: int) -> None:
        before = START + events * SECOND, START + refused * SECOND
        self.buffer.discard(loaded_before=before[0], quarantined_before=before[1])
        self.staged.discard(*before)

    @rule()
    def restart_the_buffer(self) -> None:
        self.buffer.close()
        self.buffer = SqliteBuffer(self.settings.buffer_file)

    @rule()
    def lose_dlts_folder(self) -> None:
        self._close()
        shutil.rmtree(self.settings.data_dir / "dlt", ignore_errors=True)

    @rule(data=st.data())
    def lose_the_confirmation(self, data: st.DataObject) -> None:
        self.staged.confirmed = data.draw(st.integers(0, self.staged.confirmed))
        self.buffer.confirm(self.staged.confirmed)

    @rule(name=st.sampled_from(("published.duckdb", "data/last_load.json")))
    def lose_a_file(self, name: str) -> None:
        (self.settings.warehouse_path.parent / name).unlink(missing_ok=True)

    @rule()
    def copy_the_buffer(self) -> None:
        path = self.settings.buffer_file.with_name("copy")
        path.unlink(missing_ok=True)
        with (
            closing(sqlite3.connect(self.settings.buffer_file)) as source,
            closing(sqlite3.connect(path)) as target,
        ):
            source.backup(target)
        self.copy = path, deepcopy(self.staged)

    @precondition(lambda self: self.copy)
    @rule(loader_runs=st.booleans())
    def restore_the_buffer(self, loader_runs: bool) -> None:
        assert self.copy is not None
        self._take_the_buffer_away(loader_runs)
        shutil.copy(self.copy[0], self.settings.buffer_file)
        self.staged = deepcopy(self.copy[1])
        self.buffer = SqliteBuffer(self.settings.buffer_file)

    @rule(loader_runs=st.booleans())
    def delete_the_buffer(self, loader_runs: bool) -> None:
        self._take_the_buffer_away(loader_runs)
        self.staged = Staged()
        self.buffer = SqliteBuffer(self.settings.buffer_file)

    @invariant()
    def the_buffer_accounts_for_all_that_it_received(self) -> None:
        counts = self.buffer.counts()
        assert counts == self.staged.counts()
        assert counts.received == (
            counts.loaded + counts.duplicates + counts.quarantined + counts.pending
        )
        assert whole(self.buffer).rows == self.staged.rows

    def teardown(self) -> None:
        try:
            self._load()
        finally:
            self._close()
            self.buffer.close()

    def _load(self) -> None:
        if self.loader is not None and self.is_replaced:
            with pytest.raises(BufferUnavailable, match="another file was put in its place"):
                self.loader.load()
            self._close()
        (self.loader or self._open()).load()
        self._all_is_loaded()
        assert published(self.settings.warehouse_path) == expected(
            self.normalizer, self.held.values()
        )

    def _all_is_loaded(self) -> None:
        self._confirmed(self.staged.last)
        self.staged.discard(0, 0)  # a load lets go what is settled

    def _confirmed(self, position: int) -> None:
        self.staged.confirmed = position
        self.held = self.staged.held_now() | self.held

    def _open(self, **limits: Any) -> Loader:
        self._close()
        self.is_replaced = False
        self.loader = Loader(self.settings.model_copy(update=limits))
        return self.loader

    def _close(self) -> None:
        if self.loader is not None:
            self.loader.close()
        self.loader = None

    def _take_the_buffer_away(self, loader_runs: bool) -> None:
        if not loader_runs:
            self._close()
        self.is_replaced = True
        self.buffer.close()
        for log in ("", "-wal", "-shm"):
            Path(f"{self.settings.buffer_file}{log}").unlink(missing_ok=True)


def test_any_steps_publish_what_a_plain_model_says(tmp_path: Path) -> None:
    with Normalizer(PAYLOAD_FIELDS) as reference:

        class Machine(WholePath):
            normalizer = reference
            folders = (tmp_path / str(number) for number in count())

        run_state_machine_as_test(Machine, settings=examples(6, stateful_step_count=12))
