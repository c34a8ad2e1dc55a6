"""A published warehouse beside its second count, and how the two are compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from fluents_connector.settings import Settings
from tests.second_count.calls import Call, calls
from tests.second_count.events import Event, read

Cell = tuple[Any, ...]
GRAIN = ("day", "direction", "webhook", "agent")
SHOWN = 8  # differences that a failure tells


class Account(NamedTuple):
    """The events of a warehouse and the calls counted from them."""

    settings: Settings
    events: list[Event]
    calls: list[Call]

    @classmethod
    def of(cls, settings: Settings) -> Account:
        events = read(settings.warehouse_path)
        return cls(settings, events, calls(events, settings))

    def cells(self, *names: str) -> dict[Cell, list[Call]]:
        """The calls by those attributes of theirs."""
        found = defaultdict(list)
        for call in self.calls:
            found[tuple(getattr(call, name) for name in names)].append(call)
        return found

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the published warehouse answers."""
        return answer(self.settings.warehouse_path, query)

    def shown(self, query: str, keys: int) -> dict[Cell, Any]:
        """The same, by the first `keys` columns; of a single column besides, its value."""
        rows = self.rows(query)
        found = {row[:keys]: row[keys:] if len(row) > keys + 1 else row[keys] for row in rows}
        assert len(found) == len(rows), "a key comes twice"
        return found


def answer(warehouse: Path, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query of a published warehouse."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        return connection.execute(query).fetchall()


def counted(
    cells: Mapping[Cell, list[Call]], figure: Callable[[list[Call]], Any]
) -> dict[Cell, Any]:
    """A figure of each cell."""
    return {cell: figure(own) for cell, own in cells.items()}


def assert_same(second: Mapping[Cell, Any], shown: Mapping[Cell, Any]) -> None:
    """Equal keys, and equal values up to what sums of floating point numbers may differ by."""
    assert second, "nothing was counted"
    differences = [
        f"{cell}: counted {second.get(cell)}, shown {shown.get(cell)}"
        for cell in sorted({*second, *shown}, key=str)
        if cell not in second or cell not in shown or not _alike(second[cell], shown[cell])
    ]
    total = f"{len(differences)} of {len(second)} cells differ"
    assert not differences, "\n".join([total, *differences[:SHOWN]])


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    if not (isinstance(one, int | float) and isinstance(other, int | float)):
        return bool(one == other)
    return bool(one == pytest.approx(other, rel=1e-9, abs=1e-9))
