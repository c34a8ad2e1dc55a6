"""What a page is, and what it gets to answer with."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Response, url_for

from fluents_connector.settings import Settings
from fluents_dashboard.filters import NAMES as FILTERS
from fluents_dashboard.filters import Extent, Filters
from fluents_dashboard.snapshots import Figures
from fluents_pipelines.readers.file_formats import STARTS_OF_FORMULAS

Context = dict[str, Any]


class NotThere(Exception):
    """What a URL names is not in the warehouse; the text says so."""


@dataclass(frozen=True)
class Visit:
    """One request: what was asked, and one snapshot to answer it from."""

    figures: Figures
    filters: Filters
    extent: Extent
    asked: Mapping[str, str]
    settings: Settings
    now: datetime
    status: Callable[[], Mapping[str, Any]]
    """What `fluents-warehouse status` says; empty where it cannot be read here."""

    @property
    def ends_today(self) -> bool:
        """Whether the last day chosen is not over."""
        return self.filters.until_day == self.now.date()

    @property
    def is_today(self) -> bool:
        """Whether today alone is chosen."""
        return self.ends_today and self.filters.day_count == 1

    def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of a query, which gets the filters and `parameters`."""
        return self.figures.rows(query, **{**self.filters.parameters(), **parameters})

    def row(self, query: str, **parameters: Any) -> dict[str, Any]:
        """The only row of a query."""
        return self.figures.row(query, **{**self.filters.parameters(), **parameters})

    def link(self, page: str, /, **query: Any) -> str:
        """The URL of a page with the same filters, and with what `query` adds or changes."""
        kept = {name: str(value) for name, value in self.filters.query(**query).items()}
        path = url_for(page)
        return f"{path}?{urlencode(kept)}" if kept else path

    def others(self, page: Page) -> dict[str, str]:
        """What the URL asks of its page alone, beside the filters of all pages."""
        kept = {} if page.name == "call" else dict(self.asked)
        return {name: value for name, value in kept.items() if name not in (*FILTERS, "page")}

    def csv(self, query: str, name: str, **parameters: Any) -> Response:
        """All rows of a query as a file for spreadsheets."""
        names, batches = self.figures.batches(query, **{**self.filters.parameters(), **parameters})
        response = Response(csv_text(names, batches), mimetype="text/csv")
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
        return response


@dataclass(frozen=True)
class Page:
    """A page: `show` makes what `templates/<name>.html` shows.

    `waits_for` is what its heading says until the figures are there; a page without it is sent as
    one piece. `check` raises `WrongFilter` before anything is sent. `files` are other answers, by
    the ending of their path.
    """

    name: str
    title: str
    show: Callable[[Visit], Context]
    waits_for: str = ""
    in_navigation: bool = True
    has_filters: bool = True
    check: Callable[[Visit], object] = lambda visit: None
    files: Mapping[str, Callable[[Visit], Response]] = field(default_factory=dict)


def csv_text(names: Sequence[str], batches: Iterable[Iterable[Sequence[Any]]]) -> Iterator[str]:
    """The lines of a CSV file, in which no cell starts as a spreadsheet's formula does."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(map(harmless, names))
    for batch in batches:
        for row in batch:
            writer.writerow(map(harmless, row))
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def harmless(value: Any) -> Any:
    """A cell: a text that would be a formula gets an apostrophe in front. Numbers stay."""
    if not isinstance(value, str) or not value or value[0] not in STARTS_OF_FORMULAS:
        return value
    return value if value[1:].isdigit() and value[0] in "+-" else f"'{value}"
