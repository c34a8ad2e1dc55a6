"""The loader's state in small files of one folder, and a lock that ends with its process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from fluents_connector.errors import (
    AlertsFailed,
    AlertsRunning,
    FluentsError,
    LoadFailed,
    LoadRunning,
    ReplayWaiting,
)
from fluents_connector.files import write_whole
from fluents_connector.loader_state.protocol import (
    AlertRecord,
    LoadReport,
    ReplayAnswer,
    ReplayRequest,
)
from fluents_connector.locking import only_one

LOCK = "load.lock"
REPORT = "last_load.json"
ASKED = "replay.json"
ANSWERED = "last_replay.json"
ALERTS_LOCK = "alerts.lock"
ALERTS = "alerts.json"

_REPORT = TypeAdapter(LoadReport)
_RECORD = TypeAdapter(AlertRecord)


class FileLoaderState:
    """A `LoaderState` in `folder`, which loaders and receivers share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def only_loader(self) -> Iterator[None]:
        """Holds the lock file until the end of the block, or of the process."""
        taken = LoadRunning(
            f"Another load is running on {self._folder}. It will load what is pending; wait for "
            "it, or stop it first."
        )
        with self._held(LOCK, taken, self._not_loaded):
            yield

    def report(self) -> LoadReport | None:
        """What the last load did; None where there is no report that this version understands."""
        try:
            return _REPORT.validate_json((self._folder / REPORT).read_bytes())
        except (OSError, ValueError):
            return None

    def write_report(self, report: LoadReport) -> None:
        """Replaces the report in one step, so that no reader sees half of it."""
        write_whole(self._folder / REPORT, json.dumps(asdict(report)))

    def ask(self, request: ReplayRequest) -> None:
        """Leaves a request for the next load.

        Raises `ReplayWaiting` if there is one already, and `LoadFailed` where none can be left.
        """
        path = self._folder / ASKED
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if self.asked() is None:
                path.unlink(missing_ok=True)  # of a version that is not installed any more
            try:
                write_whole(path, json.dumps(asdict(request)), overwrite=False)
            except FileExistsError:
                raise ReplayWaiting(
                    "Another replay was asked for and is not done yet. The next load does it: run "
                    "`fluents-warehouse load`, then try again."
                ) from None
        except OSError as error:
            raise LoadFailed(
                f"A replay cannot be asked for in {self._folder}: {error}. Nothing was changed. "
                "Look at free space and permissions, then try again."
            ) from error

    def asked(self) -> ReplayRequest | None:
        """The request that waits, if there is one that this version understands."""
        match self._read(ASKED):
            case {"request_id": str(request_id), "since": int() | None as since, "types": [*types]}:
                return ReplayRequest(request_id, since, tuple(map(str, types)))
        return None

    def withdraw(self, request_id: str) -> None:
        """Takes a request back, if it is not done yet."""
        request = self.asked()
        if request is not None and request.request_id == request_id:
            (self._folder / ASKED).unlink(missing_ok=True)

    def answer(self, answer: ReplayAnswer) -> None:
        """Says what became of a request, and takes that away."""
        write_whole(self._folder / ANSWERED, json.dumps(asdict(answer)))
        self.withdraw(answer.request_id)

    def answered(self, request_id: str) -> ReplayAnswer | None:
        """What became of a request; None while it is not done."""
        found = self._read(ANSWERED)
        if not found or found.get("request_id") != request_id:
            return None
        return ReplayAnswer(**found)

    @contextmanager
    def only_alerter(self) -> Iterator[None]:
        """Holds a lock file of its own until the end of the block, or of the process."""
        taken = AlertsRunning(
            "Another `fluents-warehouse alerts` is recording or posting findings at the moment. "
            "It does what this one would."
        )
        with self._held(ALERTS_LOCK, taken, self._not_recorded):
            yield

    def alerts(self) -> AlertRecord | None:
        """What was found; None where there is no record that this version understands."""
        try:
            return _RECORD.validate_json((self._folder / ALERTS).read_bytes())
        except (OSError, ValueError):
            return None

    def record_alerts(self, record: AlertRecord) -> None:
        """Replaces the record in one step, so that no reader sees half of it."""
        try:
            write_whole(self._folder / ALERTS, json.dumps(asdict(record)))
        except OSError as error:
            raise self._not_recorded(error) from error

    @contextmanager
    def _held(
        self, name: str, taken: FluentsError, failed: Callable[[OSError], Exception]
    ) -> Iterator[None]:
        with ExitStack() as opened:
            try:
                opened.enter_context(only_one(self._folder / name, taken))
            except OSError as error:
                raise failed(error) from error
            yield

    def _not_loaded(self, error: OSError) -> LoadFailed:
        return LoadFailed(
            f"A load cannot write to {self._folder}: {error}. Nothing is lost: the buffer keeps it."
        )

    def _not_recorded(self, error: OSError) -> AlertsFailed:
        return AlertsFailed(
            f"What the alerts found cannot be recorded in {self._folder}: {error.strerror}. "
            "Look at free space and permissions, then try again."
        )

    def _read(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads((self._folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
