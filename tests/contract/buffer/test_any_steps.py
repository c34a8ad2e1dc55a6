"""Any sequence of steps leaves the buffer as a plain list would be."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings as with_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fluents_connector.buffer import Counts, Limits, Receipt, StoredDelivery
from fluents_connector.buffer.limits import ROW_BYTES
from fluents_connector.delivery import validate
from fluents_connector.errors import BufferFull
from tests.contract.buffer.expected import GOOD, stored
from tests.contract.buffer.implementations import WITH_FILES, Place
from tests.deliveries import START, body, delivery, whole

pytestmark = pytest.mark.attack


def size(rows: list[StoredDelivery]) -> int:
    return sum(len(row.body or b"") for row in rows)


class BufferMachine(RuleBasedStateMachine):
    """Compares a buffer with a list after each step."""

    new_place: Callable[[], Place]
    new_backup: Callable[[], Path]
    has_files: bool

    @initialize()
    def make(self) -> None:
        self.place = type(self).new_place()
        self.store = self.place()
        self.buffer = self.store.open()
        self.rows: list[StoredDelivery] = []
        self.received: list[StoredDelivery] = []
        self.confirmed = 0
        self.settled: set[str] = set()
        self.retried: list[StoredDelivery] = []

    def last(self) -> int:
        return len(self.received) + len(self.retried)

    def listed(self) -> list[StoredDelivery]:
        return [row for row in self.rows if row.reason and row.event_id not in self.settled]

    @rule(content=st.sampled_from([*GOOD[:2], b"bad", body("event_message"), body("event_action")]))
    def append(self, content: bytes) -> None:
        position = self.last() + 1
        new = delivery(content, received_at=START + position, bits=position)
        first = next(
            (
                row.event_id
                for row in self.rows
                if new.body_hash and (row.body, row.duplicate_of) == (content, None)
            ),
            None,
        )
        assert self.buffer.append(new) == Receipt(new.event_id, first)
        self.received.append(stored(position, new, first))
        self.rows.append(self.received[-1])

    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        # backwards too: the warehouse may have been restored from a copy
        self.confirmed = data.draw(st.integers(0, self.last()))
        self.buffer.confirm(self.confirmed)

    @rule(loaded=st.integers(0, 20), quarantined=st.integers(0, 20))
    def discard(self, loaded: int, quarantined: int) -> None:
        before = {"loaded_before": START + loaded, "quarantined_before": START + quarantined}
        kept = [
            row
            for row in self.rows
            if row.position > self.confirmed
            or (
                not (row.reason and row.event_id in self.settled)
                and row.received_at >= START + (quarantined if row.reason else loaded)
            )
        ]
        assert self.buffer.discard(**before) == len(self.rows) - len(kept)
        self.rows = kept

    @rule(data=st.data(), repaired=st.booleans())
    def settle(self, data: st.DataObject, repaired: bool) -> None:
        listed = self.listed()
        if not listed:
            return
        row = data.draw(st.sampled_from(listed))
        self.settled.add(row.event_id)
        if repaired:
            content = body("event_message", row.event_id)
            event = validate(
                content, webhook="main", received_at=row.received_at, event_id=row.event_id
            )
            assert self.buffer.retry(event) == Receipt(row.event_id, None)
            self.retried.append(stored(self.last() + 1, event, None))
            self.rows.append(self.retried[-1])
        else:
            assert self.buffer.drop(row.event_id)
        if row.position <= self.confirmed:
            self.rows.remove(row)

    @rule()
    def renew(self) -> None:
        former = self.buffer.buffer_id
        self.buffer.renew()
        assert self.buffer.buffer_id != former
        self.confirmed = 0

    @rule()
    def reopen(self) -> None:
        self.buffer.close()
        self.buffer = self.store.open()

    @precondition(lambda self: self.has_files)
    @rule()
    def restore(self) -> None:
        file = type(self).new_backup()
        assert self.store.backup(file) == len(self.rows)
        former = self.buffer.buffer_id
        self.buffer.close()
        assert self.store.restore(file, file.name).deliveries == len(self.rows)
        self.buffer = self.store.open()
        assert self.buffer.buffer_id == former

    @rule(data=st.data())
    def look_over(self, data: st.DataObject) -> None:
        assert [finding for finding in self.store.findings() if not finding.is_right] == []
        assert self.store.confirmed() == (self.buffer.buffer_id, self.confirmed)
        position = data.draw(st.integers(0, self.last()))
        ids = [one for group in self.store.ids_up_to(position) for one in group]
        assert ids == [row.event_id for row in self.rows if row.position <= position]

    @invariant()
    def equals_the_list(self) -> None:
        everything = [*self.received, *self.retried]
        events = [row for row in everything if not (row.reason or row.duplicate_of)]
        waiting = [row for row in self.rows if row.position > self.confirmed]
        pending = [row for row in waiting if not (row.reason or row.duplicate_of)]
        refused = [row for row in self.rows if row.reason]
        counts = self.buffer.counts()
        assert counts == Counts(
            received=len(self.received),
            loaded=len(events) - len(pending),
            duplicates=sum(row.duplicate_of is not None for row in self.received),
            quarantined=sum(row.reason is not None for row in self.received) - len(self.retried),
            pending=len(pending),
            oldest_pending_at=pending[0].received_at if pending else None,
            last_position=self.last(),
            confirmed_position=self.confirmed,
            quarantine_bytes=size(refused),
        )
        assert whole(self.buffer).rows == self.rows
        assert self.buffer.quarantined(100) == self.listed()[::-1]
        # what waits is counted as the limits count it: nothing fits below this one
        needed = size(waiting) + ROW_BYTES * len(waiting)
        said = f"^{len(waiting):,} deliveries wait for a load, {needed:,} bytes;"
        with (
            closing(self.place(Limits(bytes=0)).open()) as full,
            pytest.raises(BufferFull, match=said),
        ):
            full.check()

    def teardown(self) -> None:
        self.buffer.close()


def test_counts_and_contents_are_right_after_any_steps(
    new_place: Callable[[], Place], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    numbers = count()

    class Machine(BufferMachine):
        @staticmethod
        def new_backup() -> Path:
            return tmp_path / f"backup-{next(numbers)}"

    Machine.new_place = staticmethod(new_place)
    Machine.has_files = request.node.callspec.id in WITH_FILES
    # an engine in another process takes several times as long for each step
    examples = 100 if Machine.has_files else 30
    limits = with_settings(max_examples=examples, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(Machine, settings=limits)
