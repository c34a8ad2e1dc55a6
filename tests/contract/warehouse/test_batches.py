"""A batch is one transaction, and loading it again changes nothing."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.errors import LoadFailed
from fluents_connector.simulator import simulate
from fluents_pipelines.source import fluents_source
from fluents_pipelines.tables import NORMALIZED
from fluents_pipelines.warehouse.protocol import Warehouse
from tests.contract.warehouse.conftest import everything, load, of_the_source, read
from tests.deliveries import Clock, append_all, body

BODIES = [one.body for one in islice(simulate(seed=3), 120)]


@pytest.fixture(autouse=True)
def staged(buffer: SqliteBuffer, clock: Clock) -> None:
    append_all(buffer, [*BODIES, b"[]", body("event_error", "the last")], clock)


# the column without which no row of the table can be added
@pytest.mark.attack
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("events", "event_id"),
        ("calls", "call_id"),
        ("transcript_turns", "turn_index"),
        ("quarantine", "reason"),
        ("loads", "deliveries"),
        ("_dlt_loads", "inserted_at"),
    ],
    ids=lambda value: value,
)
def test_a_batch_that_one_table_cannot_take_leaves_nothing_in_any_other(
    warehouse: Warehouse, buffer: SqliteBuffer, table: str, column: str
) -> None:
    load(warehouse, buffer, 0, 20)
    before = everything(warehouse.connection)
    rename = f"alter table fluents.{table} rename column {{}} to {{}}"
    warehouse.connection.execute(rename.format(column, "gone"))
    with pytest.raises(LoadFailed):
        load(warehouse, buffer, 20, 122)
    warehouse.connection.execute(rename.format("gone", column))
    assert everything(warehouse.connection) == before
    assert warehouse.position(buffer.buffer_id)[0] == 20

    event_ids = load(warehouse, buffer, 20, 122)
    assert warehouse.position(buffer.buffer_id) == (122, event_ids[-1])
    assert warehouse.missing(event_ids) == []


def test_a_batch_brings_its_row_of_loads_with_it(
    warehouse: Warehouse, buffer: SqliteBuffer
) -> None:
    load(warehouse, buffer, 0, 122)
    ((load_id, *row),) = warehouse.connection.execute(
        "select load_id, buffer_id, after_position, up_to_position, deliveries from fluents.loads"
    ).fetchall()
    assert row == [buffer.buffer_id, 0, 122, 122]
    for table in ("events", "quarantine", "calls"):
        assert warehouse.connection.execute(
            f"select distinct _dlt_load_id from fluents.{table}"
        ).fetchall() == [(load_id,)]
    assert warehouse.connection.execute("select load_id, status from fluents._dlt_loads").fetchall(
    ) == [(load_id, 0)]  # fmt: skip


@pytest.mark.attack
@pytest.mark.parametrize(
    "ends",
    [(0, 122), (0, 60, 122), (30, 90), (121, 122), (5, 5)],
    ids=["the same batch", "in halves", "a part", "the last", "nothing"],
)
def test_loading_again_changes_nothing(
    warehouse: Warehouse, buffer: SqliteBuffer, ends: tuple[int, ...]
) -> None:
    load(warehouse, buffer, 0, 122)
    before = of_the_source(everything(warehouse.connection))
    assert len(before["fluents.events"]) == 121
    for after, up_to in pairwise(ends):
        batch = read(buffer, after, up_to)
        normalized = fluents_source(batch)
        # of a part of its events the source would know its calls by that part only
        normalized.resources["calls"].selected = (after, up_to) == (0, 122)
        warehouse.load(normalized)
    assert of_the_source(everything(warehouse.connection)) == before
    assert warehouse.position(buffer.buffer_id)[0] == 122


@pytest.mark.attack
def test_the_order_and_size_of_batches_make_no_difference_to_what_is_only_added(
    warehouse: Warehouse, buffer: SqliteBuffer
) -> None:
    for after, up_to in ((90, 122), (0, 1), (1, 90)):
        load(warehouse, buffer, after, up_to)
    in_parts = of_the_source(everything(warehouse.connection))
    for table in NORMALIZED:
        warehouse.connection.execute(f"delete from fluents.{table.name}")
    load(warehouse, buffer, 0, 122)
    at_once = of_the_source(everything(warehouse.connection))
    for table in NORMALIZED:
        if not table.folded:
            assert in_parts[f"fluents.{table.name}"] == at_once[f"fluents.{table.name}"]
    assert at_once["fluents.transcript_turns"]
