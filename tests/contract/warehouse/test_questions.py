"""What a warehouse answers of what it holds, and that asking changes nothing."""

from __future__ import annotations

from contextlib import closing

import pyarrow as pa
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_pipelines.models import incremental
from fluents_pipelines.tables import BY_NAME, CALLS
from fluents_pipelines.warehouse.protocol import Warehouse
from tests.contract.warehouse.conftest import everything, load, read
from tests.deliveries import Clock, append_all, body

NOWHERE = "00000000-0000-7000-8000-000000000000"


@pytest.fixture(autouse=True)
def staged(buffer: SqliteBuffer, clock: Clock) -> None:
    append_all(buffer, [body("event_error", f"{n}", call_id=f"call-{n}") for n in range(4)], clock)
    append_all(buffer, [b"no event"], clock)


def ids(*call_ids: str) -> pa.Table:
    return pa.table({"call_id": pa.array(call_ids, pa.string())})


def test_a_new_warehouse_holds_nothing(warehouse: Warehouse, buffer: SqliteBuffer) -> None:
    event_ids = [row[1] for row in read(buffer, 0, 5).rows]
    assert warehouse.position(buffer.buffer_id) == (0, None)
    assert warehouse.missing(event_ids) == event_ids
    assert warehouse.known_calls(ids("call-0")).num_rows == 0
    assert warehouse.state().positions == {}
    assert warehouse.is_new_to_dlt()
    assert warehouse.taken_back_at is None


def test_it_says_up_to_where_it_holds_each_buffer(
    warehouse: Warehouse, buffer: SqliteBuffer
) -> None:
    for up_to in (1, 4, 5):
        event_ids = load(warehouse, buffer, warehouse.position(buffer.buffer_id)[0], up_to)
        assert warehouse.position(buffer.buffer_id) == (up_to, event_ids[-1])
        assert warehouse.state().positions == {buffer.buffer_id: up_to}
    assert warehouse.position(NOWHERE) == (0, None)
    assert not warehouse.is_new_to_dlt()


@pytest.mark.attack
@pytest.mark.parametrize(("not_completed", "position"), [([3], 4), ([1, 2], 5), ([1, 2, 3], 0)])
def test_a_package_that_was_not_completed_does_not_count(
    warehouse: Warehouse, buffer: SqliteBuffer, not_completed: list[int], position: int
) -> None:
    """A kill could leave one, before a package was one transaction."""
    last: dict[int, str | None] = {0: None}
    for after, up_to in ((0, 1), (1, 4), (4, 5)):
        last[up_to] = load(warehouse, buffer, after, up_to)[-1]
    for nth in not_completed:
        warehouse.connection.execute(
            "update fluents._dlt_loads set status = 1 where load_id ="
            " (select load_id from fluents.loads order by up_to_position limit 1 offset ?)",
            [nth - 1],
        )
    assert warehouse.position(buffer.buffer_id) == (position, last[position])
    assert warehouse.state().positions == {buffer.buffer_id: position}


def test_missing_are_those_that_are_neither_events_nor_in_quarantine(
    warehouse: Warehouse, buffer: SqliteBuffer
) -> None:
    held = [*load(warehouse, buffer, 0, 2), *load(warehouse, buffer, 4, 5)]
    others = [row[1] for row in read(buffer, 2, 4).rows]
    assert warehouse.missing(held) == []
    assert warehouse.missing([*reversed(others), *held, NOWHERE]) == [NOWHERE, *others]
    assert warehouse.missing([]) == []


def test_known_calls_are_the_rows_of_calls(warehouse: Warehouse, buffer: SqliteBuffer) -> None:
    load(warehouse, buffer, 0, 4)
    known = warehouse.known_calls(ids("call-3", "call-1", "call-1", "no call"))
    assert known.column_names == list(CALLS.column_names)
    expected = warehouse.connection.execute(
        f"select {', '.join(CALLS.column_names)} from fluents.calls"
        " where call_id in ('call-1', 'call-3') order by call_id"
    ).fetchall()
    found = known.sort_by("call_id").to_pylist()
    assert [row["call_id"] for row in found] == ["call-1", "call-3"] == [e[0] for e in expected]
    assert warehouse.known_calls(ids()).num_rows == 0


def test_rows_of_calls_are_those_that_the_transaction_sees(
    warehouse: Warehouse, buffer: SqliteBuffer
) -> None:
    load(warehouse, buffer, 0, 4)
    errors = BY_NAME["errors"]
    with closing(warehouse.connection.cursor()) as cursor:
        cursor.begin()
        cursor.execute("delete from fluents.errors where call_id = 'call-1'")
        inside = warehouse.rows_of_calls(cursor, errors, ids("call-1", "call-2"))
        assert inside["call_id"].to_pylist() == ["call-2"]
        cursor.rollback()
        outside = warehouse.rows_of_calls(cursor, errors, ids("call-1", "call-2"))
    assert sorted(outside["call_id"].to_pylist()) == ["call-1", "call-2"]


def test_a_value_that_a_column_lacks_is_no_obstacle(
    warehouse: Warehouse, buffer: SqliteBuffer
) -> None:
    load(warehouse, buffer, 0, 4)
    lacking = next(column.name for column in CALLS.columns[1:] if not column.nullable)
    warehouse.connection.execute(f"alter table fluents.calls drop column {lacking}")
    warehouse.connection.execute(f"alter table fluents.calls add column {lacking} timestamptz")
    assert warehouse.known_calls(ids("call-1"))[lacking].to_pylist() == [None]


def test_asking_changes_nothing(warehouse: Warehouse, buffer: SqliteBuffer) -> None:
    incremental.prepare(warehouse.connection)
    event_ids = load(warehouse, buffer, 0, 4)
    before = everything(warehouse.connection)
    assert "analytics.stale_calls" in before
    warehouse.position(buffer.buffer_id)
    warehouse.missing([*event_ids, NOWHERE])
    warehouse.known_calls(ids("call-1", "no call"))
    with closing(warehouse.connection.cursor()) as cursor:
        warehouse.rows_of_calls(cursor, CALLS, ids("call-1"))
    warehouse.state()
    warehouse.is_new_to_dlt()
    warehouse.is_visible()
    warehouse.is_due()
    warehouse.lacks_room()
    assert everything(warehouse.connection) == before
