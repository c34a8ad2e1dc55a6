"""No bad input makes a receiver fail, end or log an error; the short form of the attack."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path

import pytest

from tests.attacks.hostile.__main__ import CONNECTIONS, REQUEST_SECONDS, attack, bombs, trouble
from tests.attacks.hostile.bombs import BOMBS, MEGABYTE
from tests.attacks.hostile.inputs import bad_inputs
from tests.deliveries import body
from tests.processes import Receiver

pytestmark = pytest.mark.attack

COUNT = 1_500
SEED = 20260101


def test_bad_inputs_are_answered_and_nothing_breaks(tmp_path: Path) -> None:
    inputs = chain(bombs(MEGABYTE), islice(bad_inputs(SEED), COUNT))
    with Receiver(tmp_path, request_seconds=REQUEST_SECONDS) as receiver:
        outcome = attack(receiver, inputs, connections=CONNECTIONS)
        assert receiver.post(body("event_error", "still there")).status_code == 200
        assert trouble(receiver) == []
    assert outcome.errors == 0
    assert outcome.tried == 2 * len(BOMBS) + COUNT
    assert {200, 400, 404, 405, 408, 415} <= set(outcome.statuses)  # and so it was not vacuous
