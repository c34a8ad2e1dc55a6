"""What the last load did, in a small file that `status` and the receiver can read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from fluents_connector.files import write_whole

FILE = "last_load.json"
Seconds = Annotated[float, Field(ge=0, le=253_402_300_799)]  # until the year 9999, as datetime's


@dataclass(frozen=True, slots=True)
class LoadReport:
    """One load that had something to do, or failed. Times are seconds since 1970 (UTC)."""

    started_at: Seconds
    finished_at: Seconds
    deliveries: int
    succeeded: bool
    error: str | None
    model_errors: list[str] = field(default_factory=list)
    """What is wrong with the user's own models, each with file and line."""
    publish_waits: str | None = None
    """Why what is loaded could not be published for now: there is no room."""
    taken_back_at: Seconds | None = None
    """When the published warehouse was last taken back for a lost file of the loader."""


_REPORT = TypeAdapter(LoadReport)


def write_report(folder: Path, report: LoadReport) -> None:
    """Replaces the report in one step, so that no reader sees half of it."""
    write_whole(folder / FILE, json.dumps(asdict(report)))


def read_report(folder: Path) -> LoadReport | None:
    """The report in `folder`, or None where there is none that this version understands."""
    try:
        return _REPORT.validate_json((folder / FILE).read_bytes())
    except (OSError, ValueError):
        return None
