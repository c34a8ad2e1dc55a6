"""Prints how many figures of the ancestor's conversations are right, for each form."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.ancestor.figures import QUERIES, figures
from tests.ancestor.forms import CASES, FORMS, read
from tests.ancestor.loading import load_all


def main() -> None:
    """Loads all conversations into a warehouse of their own, and compares."""
    parser = argparse.ArgumentParser(prog="python -m tests.ancestor", description=__doc__)
    parser.add_argument(
        "--cases", type=Path, default=CASES, help="a folder of files that tests.ancestor.draw wrote"
    )
    parser.add_argument("--wrong", action="store_true", help="print each figure that is wrong")
    options = parser.parse_args()
    calls = read(options.cases)
    console = Console(width=None if sys.stdout.isatty() else 250, highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        found = list(figures(load_all(Path(folder), calls), calls))
    known = Counter((figure.form, figure.name) for figure in found)
    right = Counter((figure.form, figure.name) for figure in found if figure.is_right)
    table = Table(box=None)
    table.add_column("form", no_wrap=True)
    for heading in (*QUERIES, "all figures"):
        table.add_column(heading.replace("_", " "))

    def share(forms: Iterable[str], names: Iterable[str]) -> str:
        cells = [(form, name) for form in forms for name in names]
        return f"{sum(right[cell] for cell in cells)}/{sum(known[cell] for cell in cells)}"

    for title, forms in [*((form, [form]) for form in FORMS), ("all forms", [*FORMS])]:
        table.add_row(title, *(share(forms, [name]) for name in QUERIES), share(forms, QUERIES))
    console.print(table)
    if options.wrong:
        for figure in found:
            if not figure.is_right:
                console.print(str(figure), markup=False, soft_wrap=True)


if __name__ == "__main__":
    main()
