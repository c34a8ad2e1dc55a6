"""Makes text that others wrote safe to show on a terminal."""

from __future__ import annotations


def printable(text: object) -> str:
    r"""The text on one line, with escapes such as `\x1b` for unprintable characters."""
    shown = str(text).encode("utf-8", "backslashreplace").decode("utf-8")
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)
