"""What the last load did, in a small file that `status` and the receiver can read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

FILE = "last_load.json"


@dataclass(frozen=True, slots=True)
class LoadReport:
    """One load that had something to do, or failed. Times are seconds since 1970 (UTC)."""

    started_at: float
    finished_at: float
    deliveries: int
    succeeded: bool
    error: str | None
    model_errors: list[str] = field(default_factory=list)
    """What is wrong with the user's own models, each with file and line."""
    publish_waits: str | None = None
    """Why what is loaded could not be published for now: there is no room."""
    taken_back_at: float | None = None
    """When the published warehouse was last taken back for a lost file of the loader."""


def write_report(folder: Path, report: LoadReport) -> None:
    """Replaces the report in one step, so that no reader sees half of it."""
    partial = folder / f"{FILE}.partial"
    partial.write_text(json.dumps(asdict(report)), encoding="utf-8")
    partial.replace(folder / FILE)


def read_report(folder: Path) -> LoadReport | None:
    """The report in `folder`, or None where there is none that this version understands."""
    try:
        return LoadReport(**json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
