"""The first minutes: what is to be done, what came, and what was refused and why."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from fluents_connector.receiver.refusals import ADVICE
from fluents_connector.settings import Settings
from fluents_dashboard.words import readable


def first_minutes(settings: Settings, status: Mapping[str, Any], version: str) -> dict[str, Any]:
    """What the page shows until there are figures."""
    received = status.get("received", 0)
    pending = status.get("pending", 0)
    refused = [
        {"reason": readable(reason), "count": row["count"], "advice": ADVICE.get(reason, "")}
        for reason, row in (status.get("refused_requests") or {}).items()
    ]
    last_load = status.get("last_load") or {}
    return {
        "received": received,
        "pending": pending,
        "quarantined": status.get("quarantined", 0),
        "refused": refused,
        "load_error": last_load.get("error") if not last_load.get("succeeded", True) else None,
        "status_error": status.get("error"),
        "address": settings.public_url or settings.address,
        "has_public_url": bool(settings.public_url),
        "has_warehouse": bool(version),
    }


def state_of(version: str, status: Mapping[str, Any]) -> str:
    """Changes when the page of the first minutes, or any other, would show something else."""
    refused = status.get("refused_requests") or {}
    seen = [
        version,
        *(str(status.get(name)) for name in ("received", "pending", "quarantined", "error")),
        *(f"{reason} {row['count']}" for reason, row in sorted(refused.items())),
    ]
    return version + "-" + sha256("\n".join(seen).encode()).hexdigest()[:12]
