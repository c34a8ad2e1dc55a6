"""The pages that users read: README.md and docs/, their sections and their code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def all_pages() -> list[Path]:
    """README.md, the other pages beside it, and those in docs/."""
    return [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
        *sorted((ROOT / "docs").glob("*.md")),
    ]


def page(name: str) -> str:
    """The text of a page, by its path below the repository: `docs/reading.md`."""
    return (ROOT / name).read_text(encoding="utf-8")


def section(name: str, title: str) -> str:
    """What stands below a heading of the second level, up to the next one."""
    return page(name).split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def fenced(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def named(text: str, language: str, *names: str) -> dict[str, str]:
    """The same, by names; each block has one, so that none is left out."""
    return dict(zip(names, fenced(text, language), strict=True))


def first_cells(text: str) -> list[str]:
    """The first cell of each row of the tables, without their headings."""
    rows = re.findall(r"^\| ?(.*?) ?(?<!\\)\|", text, re.MULTILINE)
    dashes = [place for place, cell in enumerate(rows) if re.fullmatch("-+", cell)]
    return [cell for place, cell in enumerate(rows) if not {place, place + 1} & {*dashes}]
