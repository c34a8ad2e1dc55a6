"""Any sequence of steps leaves the buffer as a plain list would be."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

from hypothesis import settings as with_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from connector.buffer import Counts, Receipt, SqliteBuffer, StoredDelivery
from tests.connector.test_sqlite_buffer import GOOD, stored
from tests.deliveries import START, body, delivery, whole


class BufferMachine(RuleBasedStateMachine):
    """Compares a buffer with a list after each step."""

    new_file: Callable[[], Path]

    @initialize()
    def make(self) -> None:
        self.buffer = SqliteBuffer(type(self).new_file())
        self.rows: list[StoredDelivery] = []
        self.received: list[StoredDelivery] = []
        self.confirmed = 0

    @rule(content=st.sampled_from([*GOOD[:2], b"bad", body("event_message"), body("event_action")]))
    def append(self, content: bytes) -> None:
        position = len(self.received) + 1
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
        self.confirmed = data.draw(st.integers(self.confirmed, len(self.received)))
        self.buffer.confirm(self.confirmed)

    @rule(loaded=st.integers(0, 20), quarantined=st.integers(0, 20))
    def discard(self, loaded: int, quarantined: int) -> None:
        before = {"loaded_before": START + loaded, "quarantined_before": START + quarantined}
        kept = [
            row
            for row in self.rows
            if row.position > self.confirmed
            or row.received_at >= START + (quarantined if row.reason else loaded)
        ]
        assert self.buffer.discard(**before) == len(self.rows) - len(kept)
        self.rows = kept

    @rule()
    def reopen(self) -> None:
        self.buffer.close()
        self.buffer = SqliteBuffer(self.buffer.path)

    @invariant()
    def equals_the_list(self) -> None:
        events = [row for row in self.received if not (row.reason or row.duplicate_of)]
        pending = [row for row in events if row.position > self.confirmed]
        counts = self.buffer.counts()
        assert counts == Counts(
            received=len(self.received),
            loaded=len(events) - len(pending),
            duplicates=sum(row.duplicate_of is not None for row in self.received),
            quarantined=sum(row.reason is not None for row in self.received),
            pending=len(pending),
            oldest_pending_at=pending[0].received_at if pending else None,
            last_position=len(self.received),
            confirmed_position=self.confirmed,
        )
        assert whole(self.buffer).rows == self.rows
        refused = [row for row in self.rows if row.reason]
        assert self.buffer.quarantined(100) == refused[::-1]

    def teardown(self) -> None:
        self.buffer.close()


def test_counts_and_contents_are_right_after_any_steps(tmp_path: Path) -> None:
    numbers = count()

    class Machine(BufferMachine):
        @staticmethod
        def new_file() -> Path:
            return tmp_path / f"{next(numbers)}.sqlite"

    limits = with_settings(max_examples=100, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(Machine, settings=limits)
