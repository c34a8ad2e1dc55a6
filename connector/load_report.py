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
    models: str
    """Which models the published file has."""
    published: str
    """Up to where the published file was made; a load publishes again when it holds more."""
    own_models: str = ""
    """Which of the user's own models it has."""
    model_errors: list[str] = field(default_factory=list)
    """What is wrong with the others of them, each with file and line."""

    def published_position(self, buffer_id: str | None) -> int:
        """The position of a buffer up to which its events are in the published file."""
        published_id, _, position = self.published.partition(" ")
        return int(position) if published_id == buffer_id else 0


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
