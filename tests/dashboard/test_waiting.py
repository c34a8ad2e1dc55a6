"""The first minutes: what is to be done, what came, what was refused, and figures by themselves."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.dashboard.visitors import Visitor

NOTHING: dict[str, Any] = {"received": 0, "pending": 0, "quarantined": 0, "refused_requests": {}}


def test_it_says_the_steps_of_the_webhook(empty: Path) -> None:
    with Visitor(empty, status=lambda: NOTHING, public_url="https://hooks.example") as visitor:
        said = visitor.words("/")
        html = visitor.page("/results")
    assert "Nothing has been received yet" in said
    assert "Create Webhook" in said
    assert "https://hooks.example" in said
    assert "data-waiting" in html


def test_it_says_what_came_and_what_was_refused_and_why(empty: Path) -> None:
    status = {
        **NOTHING,
        "received": 3,
        "pending": 2,
        "quarantined": 1,
        "refused_requests": {"wrong_token": {"count": 4, "last_at": ""}},
        "last_load": {"succeeded": False, "error": "The disk is full."},
    }
    with Visitor(empty, status=lambda: status) as visitor:
        said = visitor.words("/")
    assert "3 deliveries came, and 2 wait for a load" in said
    assert "Wrong token 4 times" in said
    assert "`init` prints the right one" in said
    assert "quarantine list" in said
    assert "The last load failed: The disk is full." in said


def test_its_state_changes_with_what_came_and_with_what_is_published(
    empty: Path, week: Path, tmp_path: Path
) -> None:
    published = tmp_path / "it's.duckdb"
    shutil.copyfile(empty, published)
    status = dict(NOTHING)
    with Visitor(published, status=lambda: status) as visitor:

        def state() -> str:
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
