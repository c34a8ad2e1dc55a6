"""A published warehouse beside its second count, and how the two are compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import duckdb
import pytest

from fluents_connector.settings import Settings
from tests.second_count.calls import Call, calls
from tests.second_count.events import read

Cell = tuple[Any, ...]
GRAIN = ("day", "direction", "webhook", "agent")
SHOWN = 8  # differences that a failure tells


class Account:
    """The events of a published warehouse, the calls counted from them, and its answers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.events = read(settings.warehouse_path)
        self.calls = calls(self.events, settings)
        self._connection = duckdb.connect(settings.warehouse_path, read_only=True)

    def close(self) -> None:
        self._connection.close()

    def cells(self, *names: str) -> dict[Cell, list[Call]]:
        """The calls by those attributes of theirs."""
        found = defaultdict(list)
        for call in self.calls:
            found[tuple(getattr(call, name) for name in names)].append(call)
        return found

    def shown(self, query: str, keys: int) -> dict[Cell, Cell]:
        """What the warehouse answers, by the first `keys` columns."""
        rows = self._connection.execute(query).fetchall()
        found = {row[:keys]: row[keys:] for row in rows}
        assert len(found) == len(rows), "a key comes twice"
        return found


def counted(
    cells: Mapping[Cell, list[Call]], figure: Callable[[list[Call]], Cell]
) -> dict[Cell, Cell]:
    """A figure of each cell."""
    return {cell: figure(own) for cell, own in cells.items()}


def of_each(
    cells: Mapping[Cell, list[Call]], figures: Callable[[list[Call]], Mapping[str, Cell]]
) -> dict[Cell, Cell]:
    """Several figures of each cell, by the cell and the figure's name."""
    return {
        (*cell, name): tuple(value)
        for cell, own in cells.items()
        for name, value in figures(own).items()
    }


def assert_same(second: Mapping[Cell, Cell], shown: Mapping[Cell, Cell]) -> None:
    """Equal keys, and equal values up to what sums of floating point numbers may differ by."""
    assert second, "nothing was counted"
    differences = [
        f"{cell}: counted {second.get(cell)}, shown {shown.get(cell)}"
        for cell in sorted({*second, *shown}, key=str)
        if not _alike(second.get(cell), shown.get(cell))
    ]
    total = f"{len(differences)} of {len(second)} cells differ"
    assert not differences, "\n".join([total, *differences[:SHOWN]])


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    if not (isinstance(one, int | float) and isinstance(other, int | float)):
        return bool(one == other)
    return bool(one == pytest.approx(other, rel=1e-9, abs=1e-9))
