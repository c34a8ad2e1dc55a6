"""A replay that somebody asked for: a small file, which the next load finds and does.

So it also works while `run` or `load --every` has the warehouse open, and a replay that is
killed half way is done again by the next load.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fluents_connector.errors import ReplayWaiting
from fluents_connector.files import write_whole

ASKED = "replay.json"
ANSWERED = "last_replay.json"


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


def ask(folder: Path, request: ReplayRequest) -> None:
    """Leaves a request in `folder`. Raises `ReplayWaiting` if there is one already."""
    folder.mkdir(parents=True, exist_ok=True)
    if asked(folder) is None:
        (folder / ASKED).unlink(missing_ok=True)  # of a version that is not installed any more
    try:
        write_whole(folder / ASKED, json.dumps(asdict(request)), overwrite=False)
    except FileExistsError:
        raise ReplayWaiting(
            "Another replay was asked for and is not done yet. The next load does it: run "
            "`fluents-warehouse load`, then try again."
        ) from None


def asked(folder: Path) -> ReplayRequest | None:
    """The request in `folder`, if there is one that this version understands."""
    match _read(folder / ASKED):
        case {"request_id": str(request_id), "since": int() | None as since, "types": [*types]}:
            return ReplayRequest(request_id, since, tuple(map(str, types)))
    return None


def withdraw(folder: Path, request_id: str) -> None:
    """Takes a request back, if it is not done yet."""
    request = asked(folder)
    if request is not None and request.request_id == request_id:
        (folder / ASKED).unlink(missing_ok=True)


def answer(folder: Path, answer: ReplayAnswer) -> None:
    """Says what became of a request, and takes that away."""
    write_whole(folder / ANSWERED, json.dumps(asdict(answer)))
    withdraw(folder, answer.request_id)


def answered(folder: Path, request_id: str) -> ReplayAnswer | None:
    """What became of a request; None while it is not done."""
    found = _read(folder / ANSWERED)
    if not found or found.get("request_id") != request_id:
        return None
    return ReplayAnswer(**found)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
