"""Text from outside as it may be shown to people."""

from __future__ import annotations


def printable(text: object) -> str:
    r"""The text on one line, with `\x1b` for what would move a terminal's cursor or colour it."""
    shown = str(text).encode("utf-8", "backslashreplace").decode("utf-8")
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)
