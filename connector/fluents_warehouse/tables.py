"""Text and tables for people: what came from outside is shown as it is, and whole.

No text is read as markup, and control characters are shown escaped. In a pipe or a file a row is
a line, however long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fluents_connector.printing import printable

if TYPE_CHECKING:
    from rich.console import Console

IN_A_PIPE = 1_000_000  # characters of a line; rich would cut at 80 or at COLUMNS


def console() -> Console:
    """Where to print for people; it takes no text for markup, emoji codes or numbers."""
    from rich.console import Console

    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = IN_A_PIPE
    return console


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints the rows. A terminal too narrow for all columns gets the first that it has room for.

    The first column, a name, is never wrapped while a terminal has room for it.
    """
    from rich.table import Table

    out = console()
    for shown in range(len(columns), 0, -1):
        table = Table(*columns[:shown])
        for column in table.columns:
            column.overflow = "fold"  # never cut
        table.columns[0].no_wrap = shown > 1
        for row in rows:
            table.add_row(*map(printable, row[:shown]))
        unlimited = out.options.update(max_width=IN_A_PIPE)
        if out.measure(table, options=unlimited).minimum <= out.width:
            break
    out.print(table)
