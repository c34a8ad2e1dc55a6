"""What a page of the dashboard shows: the texts of its cards and of its tables."""

from __future__ import annotations

import re
from html.parser import HTMLParser

Row = list[str]
_EMPTY = {"br", "hr", "img", "input", "line", "link", "meta", "rect", "polyline", "circle"}


class Page(HTMLParser):
    """`tables` has the rows of each section's tables, `texts` all that a section says, by its id.

    `cards` has for each card, by its heading, its value, its change, and what it is of.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: dict[str, list[Row]] = {}
        self.texts: dict[str, str] = {}
        self.cards: dict[str, dict[str, str]] = {}
        self._open: list[tuple[str, str]] = []
        self._section = self._card = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _EMPTY:
            return
        of = {name: value or "" for name, value in attrs}
        self._open.append((tag, of.get("class", "")))
        if tag == "section":
            self._section = of.get("aria-labelledby", "")
        elif tag == "tr":
            self.tables.setdefault(self._section, []).append([])
        elif tag in ("td", "th"):
            self.tables[self._section][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        text = re.sub(r"\s+", " ", data)
        tags = [tag for tag, _ in self._open]
        self.texts[self._section] = self.texts.get(self._section, "") + text
        if tags and tags[-1] in ("title", "text", "style", "script"):
            return
        if "td" in tags or "th" in tags:
            row = self.tables[self._section][-1]
            row[-1] = f"{row[-1]} {text}".strip()
        elif ("li", "card") in self._open and text.strip():
            self._read_card(text.strip())

    def _read_card(self, text: str) -> None:
        if self._open[-1][0] == "h3":
            self._card = text
            self.cards[text] = {}
        else:
            of = next(kind for tag, kind in reversed(self._open) if tag == "p")
            self.cards[self._card][of.split(" ")[0]] = text
