"""HTML tables and figures. All text of a webhook is escaped: it is shown, never rendered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import marimo as mo

from dashboard_parts.snapshot import Row

UNKNOWN = "—"  # not zero: nothing says


def text(value: Any) -> str:
    """A value as a person reads it, as HTML that is only text."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return escape(str(value))


def share(part: int | None, whole: int | None) -> str:
    """`part` of `whole` in per cent, with both numbers."""
    if not whole or part is None:
        return f"{UNKNOWN} (of 0)"
    return f"{per_cent(part, whole)} ({part:,} of {whole:,})"


def per_cent(part: int, whole: int) -> str:
    """Whole per cent; what is neither none nor all is not shown as 0 % or 100 %."""
    if 0 < part / whole < 0.01:
        return "under 1%"
    if 0.99 < part / whole < 1:
        return "over 99%"
    return f"{part / whole:.0%}"


def of(part: int, whole: int, what: str) -> tuple[str, str]:
    """A share as a figure: per cent, and what it is of."""
    value = per_cent(part, whole) if whole else UNKNOWN
    return value, f"{part:,} of {whole:,} {what}"


def one_of(options: list[str], value: str | None, label: str) -> mo.ui.dropdown:
    """A choice of one or all; all is None."""
    every = "(all)"
    return mo.ui.dropdown(
        {every: None, **{option: option for option in options}},
        value=value if value in options else every,
        allow_select_none=False,
        label=label,
    )


def cell(value: Any) -> mo.Html:
    """Text for a table of marimo's, which would make links and pictures of what looks so."""
    return mo.Html(f"<span>{text(value)}</span>")


def columns(*parts: list[object]) -> mo.Html:
    """Parts beside each other, or below each other where the page is narrow."""
    inner = "".join(mo.vstack(part).text for part in parts)
    return mo.Html(f'<div class="fluents-columns">{inner}</div>')


def seconds(value: float | None) -> str:
    """A duration with its unit."""
    if value is None:
        return UNKNOWN
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.1f} min"


def table(rows: Iterable[Row], columns: Mapping[str, str], empty: str) -> mo.Html:
    """A table with the columns of `columns` (name in the row: heading), or the sentence `empty`."""
    found = list(rows)
    if not found:
        return note(empty)
    kinds = {name: _kind([row[name] for row in found]) for name in columns}
    head = "".join(
        f'<th class="{kinds[name]}">{escape(title)}</th>' for name, title in columns.items()
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td class="{kinds[name]}">{text(row[name])}</td>' for name in columns)
        + "</tr>"
        for row in found
    )
    return mo.Html(
        f'<div class="fluents-table"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _kind(values: list[Any]) -> str:
    if all(isinstance(value, int | float | None) for value in values):
        return "number"
    return "long" if any(len(str(value)) > 60 for value in values) else "words"


def note(sentence: str) -> mo.Html:
    """A sentence in small print."""
    return mo.Html(f'<p class="fluents-note">{escape(sentence)}</p>')


def heading(title: str, sentence: str = "") -> mo.Html:
    """A title, and what is to know of the figures below."""
    below = f'<p class="fluents-note">{escape(sentence)}</p>' if sentence else ""
    return mo.Html(
        f'<div class="fluents-heading" role="heading" aria-level="2">{escape(title)}</div>{below}'
    )


def figures(values: Mapping[str, tuple[str, str]]) -> mo.Html:
    """Boxes with a figure each: label: (value, what it means)."""
    boxes = "".join(
        f'<div class="fluents-figure"><div class="label">{escape(label)}</div>'
        f'<div class="value">{escape(value)}</div>'
        f'<div class="meaning">{escape(meaning)}</div></div>'
        for label, (value, meaning) in values.items()
    )
    return mo.Html(f'<div class="fluents-figures">{boxes}</div>')


def facts(row: Row) -> mo.Html:
    """Names and values, as many beside each other as there is room for."""
    pairs = "".join(
        f"<div><dt>{escape(name.replace('_', ' '))}</dt><dd>{text(value)}</dd></div>"
        for name, value in row.items()
    )
    return mo.Html(f'<dl class="fluents-facts">{pairs}</dl>')


def turns(rows: Iterable[Row]) -> mo.Html:
    """A conversation, turn by turn."""
    found = list(rows)
    if not found:
        return note("No transcript with text was delivered for this call.")
    parts: list[str] = []
    for row in found:
        offset = "" if row["offset_seconds"] is None else f" at {seconds(row['offset_seconds'])}"
        cut = " (cut off)" if row["is_cut_off"] else ""
        doubt = " (in doubt)" if row["is_doubtful"] else ""
        speaker = text(row["speaker"])
        parts.append(
            f'<div class="fluents-turn speaker-{speaker}"><span class="speaker">{speaker}'
            f"{offset}{cut}{doubt}</span><span>{text(row['text'])}</span></div>"
        )
    return mo.Html(f'<div class="fluents-turns">{"".join(parts)}</div>')


def blocks(rows: Iterable[Row], title: str, body: str, empty: str) -> mo.Html:
    """Long texts below each other, line breaks kept: `title` and `body` name what to show."""
    found = list(rows)
    if not found:
        return note(empty)
    return mo.Html(
        "".join(
            f'<p class="fluents-note">{text(row[title])} UTC</p>'
            f'<pre class="fluents-block">{text(row[body])}</pre>'
            for row in found
        )
    )
