"""Counts refused requests by reason, across processes and restarts, for `status`.

A set-up that fails has to show somewhere, and an attack must cost next to nothing. So requests are
counted in memory, the counts of a second are added to one small file by one write, and the log gets
one line a minute for each reason, however many processes there are. No path, token or address is
kept.
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
    "not_found": "The receiver has no such path: `init` prints the URL to paste into Fluents.",
    "method_not_allowed": "Only POST delivers.",
    "outside_allowed_networks": "The sender's address is in none of allowed_networks.",
    "unknown_sender": "X-Forwarded-For has fewer entries than trusted_proxies says.",
    "wrong_gateway_secret": "gateway_header does not hold gateway_secret.",
    "wrong_signature": "hmac_header does not hold the body's HMAC by hmac_secret.",
    "outside_metrics_networks": "The reader's address is in none of metrics_networks.",
}

log = structlog.get_logger(__name__)


class Refusals:
    """Counts the requests that one process refused, and adds them to the file in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._new: Counter[str] = Counter()
        self._timer: threading.Timer | None = None

    def note(self, reason: str) -> None:
        """Counts one request in memory: the same work for each reason."""
        with self._lock:
            self._new[reason] += 1
            if self._timer is None:
                self._timer = threading.Timer(FLUSH_SECONDS, self.flush)
                self._timer.start()

    def flush(self) -> None:
        """Adds the new counts to the file. If that fails, they wait for the next refusal."""
        with self._lock:
            new, self._new, self._timer = self._new, Counter(), None
        try:
            due = _add(self._folder, new, time.time())
        except (OSError, Timeout):  # such as a full disk, which the buffer reports
            with self._lock:
                self._new.update(new)
            return
        for reason, count in due.items():
            log.warning(
                "requests_refused", reason=reason, count=count, advice=ADVICE.get(reason, "")
            )


def read_refusals(folder: Path) -> dict[str, dict[str, Any]]:
    """For each reason its `count` and `last_at`, in seconds since 1970; empty if there is none."""
    try:
        recorded = _recorded(folder / FILE)
    except OSError:
        return {}
    return {
        reason: {"count": row["count"], "last_at": row["last_at"]}
        for reason, row in recorded.items()
    }


def _recorded(path: Path) -> dict[str, dict[str, Any]]:
    """The rows that are complete: a damaged file may stop neither `status` nor the counting."""
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
    """Adds counts to the file; returns those to log now: of each reason, since its last line."""
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
