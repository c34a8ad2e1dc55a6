"""What the loader says of itself and is asked for, wherever that is kept.

A replay that somebody asks for waits for the next load, which finds and does it. So it also works
while `run` or `load --every` has the warehouse open, and a replay that is killed half way is done
again by the next load.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field

Seconds = Annotated[float, Field(ge=0, le=253_402_300_799)]  # until the year 9999, as datetime's


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What it took to make a load visible to readers."""

    method: str
    """How the snapshot was made, such as `changed blocks`."""
    bytes_written: int
    """Into the snapshot. What the engine wrote into its own file is not counted."""
    seconds: float


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
    published: PublishReport | None = None
    """What the last publish took, by this load or an earlier one."""


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """Which deliveries to read again: all that the buffer keeps, unless it says less."""

    request_id: str
    since: int | None = None
    """Received at or after this time, in microseconds since 1970 (UTC)."""
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplayAnswer:
    """What a replay found: how many deliveries it read, and how many rows were not right."""

    request_id: str
    deliveries: int = 0
    first_received_at: int | None = None
    added: int = 0
    changed: int = 0
    removed: int = 0
    damaged: int = 0
    """Events whose body has changed in the buffer: they were left as they are."""
    error: str | None = None


Severity = Literal["warning", "critical"]


@dataclass(frozen=True, slots=True)
class AlertFinding:
    """One row that an alert returned."""

    alert: str
    severity: Severity
    says: str
    """The finding in a sentence."""
    link: str
    """Where to read on."""
    key: str
    """Tells it from other findings of the alert, also when the rest of the row changes."""
    values: dict[str, Any]
    """The columns of the row, as JSON has them; durations are in seconds."""


@dataclass(frozen=True, slots=True)
class OpenFinding:
    """A finding that was found once and, as far as it was told, has not ended."""

    finding: AlertFinding
    since: Seconds
    last_found_at: Seconds
    is_posted: bool = False
    has_ended: bool = False
    """It ended, and that has not been posted yet."""


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """What the alerts found when they were last run repeatedly, or posted."""

    looked_at: Seconds
    severities: dict[str, Severity] = field(default_factory=dict)
    """Of all alerts that there are, by name."""
    findings: list[OpenFinding] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """What is wrong with alerts that could not be run."""


class LoaderState(Protocol):
    """The state that all loaders and receivers of one buffer share."""

    def only_loader(self) -> AbstractContextManager[None]:
        """Keeps all other loaders away until the end of the block, or of the process.

        Raises `LoadRunning` where another is at work, and `LoadFailed` where that cannot be known.
        """

    def report(self) -> LoadReport | None:
        """What the last load did; None where there is no report that this version understands."""

    def write_report(self, report: LoadReport) -> None:
        """Replaces the report in one step. Raises `OSError`."""

    def ask(self, request: ReplayRequest) -> None:
        """Leaves a request for the next load.

        Raises `ReplayWaiting` if there is one already, and `LoadFailed` where none can be left.
        """

    def asked(self) -> ReplayRequest | None:
        """The request that waits, if there is one that this version understands."""

    def withdraw(self, request_id: str) -> None:
        """Takes a request back, if it is not done yet."""

    def answer(self, answer: ReplayAnswer) -> None:
        """Says what became of a request, and takes that away."""

    def answered(self, request_id: str) -> ReplayAnswer | None:
        """What became of a request; None while it is not done."""

    def only_alerter(self) -> AbstractContextManager[None]:
        """Keeps others from recording and posting findings until the end of the block.

        Raises `AlertsRunning` where another is at it, and `AlertsFailed` where that cannot be
        known.
        """

    def alerts(self) -> AlertRecord | None:
        """What was found; None where there is no record that this version understands."""

    def record_alerts(self, record: AlertRecord) -> None:
        """Replaces the record in one step. Raises `AlertsFailed`."""
