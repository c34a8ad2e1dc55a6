"""The picture of growth shows all that the table says."""

from __future__ import annotations

from tests.docs import growth_picture
from tests.docs.pages import page


def test_each_row_of_the_table_is_a_point() -> None:
    points = growth_picture.points()
    table = page("docs/performance.md").partition("| new events |")[2].partition("\n\n")[0]
    assert sum(map(len, points.values())) == len(table.splitlines()) - 2 > 0
    histories = {tuple(history for history, *_ in of) for of in points.values()}
    assert len(histories) == 1


def test_it_is_a_picture() -> None:
    assert growth_picture.draw().startswith(b"\x89PNG")
