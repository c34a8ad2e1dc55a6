"""The accounts that are counted a second time: one quickly, the others with the attacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.second_count.account import Account
from tests.second_count.drawn import Draw, warehouse

DRAWS = {
    "shuffled": Draw(seed=1, events=2_000, days=45, quiet_days=1, is_shuffled=True),
    "in_order": Draw(seed=2, events=8_000, days=70, moves_to="America/St_Johns"),
    "quiet": Draw(seed=3, events=8_000, days=70, quiet_days=9, is_shuffled=True),
    "dense": Draw(seed=4, events=8_000, days=10, is_shuffled=True),
}


@pytest.fixture(
    scope="package",
    params=[
        pytest.param(name, marks=[] if name == "shuffled" else pytest.mark.attack) for name in DRAWS
    ],
)
def account(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Account]:
    account = Account(warehouse(tmp_path_factory.mktemp("account"), DRAWS[request.param]))
    yield account
    account.close()
