"""The first minutes: what is to be done, what came, and what was refused and why."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from fluents_dashboard.words import readable


def first_minutes(status: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows until there are figures, of what `status --json` says."""
    last_load = status.get("last_load") or {}
    return {
        "steps": status.get("first_steps") or [],
        "received": status.get("received", 0),
        "pending": status.get("pending", 0),
        "not_let_in": not_let_in(status),
        "quarantined": status.get("quarantined", 0),
        "newest_quarantined": status.get("newest_quarantined") or [],
        "load_error": last_load.get("error") if not last_load.get("succeeded", True) else None,
        "status_error": status.get("error"),
    }


def not_let_in(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The requests that were refused, by reason, with the advice to each."""
    return [
        {**row, "reason": readable(reason)}
        for reason, row in (status.get("refused_requests") or {}).items()
    ]


def state_of(version: str, status: Mapping[str, Any]) -> str:
    """Changes when the page of the first minutes would show something else."""
    shown = repr([version, sorted(first_minutes(status).items())])
    return sha256(shown.encode()).hexdigest()[:16]
