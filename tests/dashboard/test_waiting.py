"""The first minutes: what is to be done, what came, what was refused, and figures by themselves."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from tests.dashboard.visitors import Visitor

STEPS = [
    {"title": "The receiver runs", "is_done": True, "how": "`run` receives.", "command": "run"},
    {"title": "Fluents knows the URL", "is_done": False, "how": "Paste it.", "command": "init"},
]
NOTHING: dict[str, Any] = {
    "first_steps": STEPS,
    "received": 0,
    "pending": 0,
    "quarantined": 0,
    "refused_requests": {},
}


def test_it_says_the_steps_of_the_webhook(empty: Path) -> None:
    with Visitor(empty, status=lambda: NOTHING) as visitor:
        said = visitor.words("/")
        html = visitor.page("/results")
    assert "Nothing has been received yet" in said
    assert "The receiver runs (done) Fluents knows the URL Paste it. fluents-warehouse init" in said
    assert "data-waiting" in html


def test_it_says_what_came_and_what_was_refused_and_why(empty: Path) -> None:
    status = {
        **NOTHING,
        "received": 3,
        "pending": 2,
        "quarantined": 1,
        "refused_requests": {"wrong_token": {"count": 4, "last_at": "", "advice": "Look at it."}},
        "newest_quarantined": [
            {"received_at": "2026-01-05T10:00:00.000", "reason": "not_json", "detail": "at 3"}
        ],
        "last_load": {"succeeded": False, "error": "The disk is full."},
    }
    with Visitor(empty, status=lambda: status) as visitor:
        said = visitor.words("/")
    assert "3 deliveries came, and 2 wait for a load" in said
    assert "Wrong token 4 times" in said
    assert "Look at it." in said
    assert "Not json: at 3 2026-01-05 10:00:00 UTC" in said
    assert "The last load failed: The disk is full." in said


def test_its_state_changes_with_what_came_and_with_what_is_published(
    empty: Path, week: Path, tmp_path: Path
) -> None:
    published = tmp_path / "it's.duckdb"
    shutil.copyfile(empty, published)
    status = dict(NOTHING)
    with Visitor(published, status=lambda: status) as visitor:

        def state() -> str:
            time.sleep(1.1)  # what status said is kept for a second
            return str(visitor.get("/state?waiting=1").json["state"])

        seen = [state()]
        assert f'data-state="{seen[0]}"' in visitor.page("/")
        status["received"] = 1
        seen.append(state())
        shutil.copyfile(week, tmp_path / "next")
        (tmp_path / "next").replace(published)  # as the loader publishes
        seen.append(state())
        assert len(set(seen)) == 3
        assert "Headline figures" in visitor.words("/?span=all")
