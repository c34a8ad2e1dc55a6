"""Draws the table of growth of docs/performance.md, so that picture and table agree."""

from __future__ import annotations

import re
from io import BytesIO

import matplotlib.figure
from matplotlib.axes import Axes

from tests.docs.pages import page

ROW = re.compile(
    r"^\| ?([\d,]*) \| (0|\d+ million) \| [\d.]+ s \| ([\d.]+) \|(?: [\d.]+ s \|){2} (\d+) MiB \|",
    re.MULTILINE,
)
PANELS = ("seconds of a load, times those into an empty warehouse", "written by a load, MiB")
COLOURS = ("#0072b2", "#d55e00", "#009e73")  # told apart by the colour-blind too
MARKERS = ("o", "s", "^")

Point = tuple[float, ...]
"""Million events of history; a load's time, of that into none; MiB that it wrote."""


def points() -> dict[str, list[Point]]:
    """What the table says, by the number of new events."""
    found: dict[str, list[Point]] = {}
    new = ""
    for row in ROW.finditer(page("docs/performance.md")):
        new = row[1] or new
        history = float(row[2].split()[0])
        found.setdefault(new, []).append((history, float(row[3]), float(row[4])))
    return found


def draw() -> bytes:
    """The picture, as PNG."""
    figure = matplotlib.figure.Figure(figsize=(10, 3.6), dpi=100, layout="constrained")
    axes: list[Axes] = list(figure.subplots(1, len(PANELS)))
    for nth, (axis, title) in enumerate(zip(axes, PANELS, strict=True), 1):
        for (new, measured), colour, marker in zip(points().items(), COLOURS, MARKERS, strict=True):
            axis.plot(
                [history for history, *_ in measured],
                [point[nth] for point in measured],
                color=colour,
                marker=marker,
                label=f"{new} new events",
            )
        axis.set_title(title, loc="left", fontsize=11)
        axis.set_xlabel("million events in the warehouse before")
        axis.set_ylim(bottom=0)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", alpha=0.3)
    axes[0].legend(frameon=False)
    png = BytesIO()
    figure.savefig(png, format="png")
    return png.getvalue()
