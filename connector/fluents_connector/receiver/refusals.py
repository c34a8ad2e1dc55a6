"""What was not let in, by reason: for `status`, across processes and restarts.

A first set-up that fails has to show somewhere, and an attack may cost nothing. So requests are
only counted in memory; what came within a second is added to one small file by one write, and the
log gets one line a minute for each reason, whatever the number of processes. Neither path, token
nor address is kept.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog
from filelock import FileLock, Timeout

from fluents_connector.files import write_whole

FILE = "refused_requests.json"
FLUSH_SECONDS = 1.0
LOG_SECONDS = 60.0
LOCK_SECONDS = 1.0
LAST_SECOND = 253_402_300_799  # of the year 9999, with which datetime ends

ADVICE = {
    "wrong_token": "The URL in Fluents holds no token of [webhooks]: `init` prints the right one.",
    "not_found": "The path is none of ours: `init` prints the URL to paste into Fluents.",
    "method_not_allowed": "Only POST delivers.",
    "outside_allowed_networks": "The sender's address is in none of allowed_networks.",
    "unknown_sender": "X-Forwarded-For has fewer entries than trusted_proxies says.",
    "wrong_gateway_secret": "gateway_header does not hold gateway_secret.",
    "wrong_signature": "hmac_header does not hold the body's HMAC by hmac_secret.",
    "outside_metrics_networks": "The reader's address is in none of metrics_networks.",
}

log = structlog.get_logger(__name__)


class Refusals:
    """Counts what one process did not let in, and adds it to the file in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._new: Counter[str] = Counter()
        self._timer: threading.Timer | None = None

    def note(self, reason: str) -> None:
        """Counts one request; the same work for any reason, and no write."""
        with self._lock:
            self._new[reason] += 1
            if self._timer is None:
                self._timer = threading.Timer(FLUSH_SECONDS, self.flush)
                self._timer.start()

    def flush(self) -> None:
        """Adds to the file what is new. What cannot be written waits for the next refusal."""
        with self._lock:
            new, self._new, self._timer = self._new, Counter(), None
        try:
            due = _add(self._folder, new, time.time())
        except (OSError, Timeout):  # a full disk, say, of which the buffer speaks
            with self._lock:
                self._new.update(new)
            return
        for reason, count in due.items():
            log.warning(
                "requests_refused", reason=reason, count=count, advice=ADVICE.get(reason, "")
            )


def read_refusals(folder: Path) -> dict[str, dict[str, Any]]:
    """For each reason `count` and `last_at` (seconds since 1970); empty where none is recorded."""
    try:
        recorded = _recorded(folder / FILE)
    except OSError:
        return {}
    return {
        reason: {"count": row["count"], "last_at": row["last_at"]}
        for reason, row in recorded.items()
    }


def _recorded(path: Path) -> dict[str, dict[str, Any]]:
    """The rows that are whole: a damaged file must end neither `status` nor the counting."""
    try:
        recorded = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return {}
    rows = recorded.items() if isinstance(recorded, dict) else ()
    return {reason: row for reason, row in rows if _is_whole(row)}


def _is_whole(row: object) -> bool:
    return (
        isinstance(row, dict)
        and all(isinstance(row.get(name), int) for name in ("count", "logged"))
        and all(
            isinstance(row.get(name), int | float) and 0 <= row[name] <= LAST_SECOND
            for name in ("last_at", "logged_at")
        )
    )


def _add(folder: Path, new: Mapping[str, int], now: float) -> dict[str, int]:
    """Records counts; returns those that are due for the log, since the last line of each."""
    due: dict[str, int] = {}
    path = folder / FILE
    with FileLock(folder / f"{FILE}.lock", timeout=LOCK_SECONDS):
        recorded = _recorded(path)
        for reason, count in new.items():
            row = recorded.get(reason) or {"count": 0, "logged": 0, "logged_at": 0.0}
            row["count"] += count
            row["last_at"] = now
            if not 0 <= now - row["logged_at"] < LOG_SECONDS:
                due[reason] = int(row["count"] - row["logged"])
                row |= {"logged": row["count"], "logged_at": now}
            recorded[reason] = row
        write_whole(path, json.dumps(recorded))
    return due
