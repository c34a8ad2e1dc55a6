"""The dashboard's application in this process, asked by Flask's client; and what its pages say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fluents_connector.settings import Settings
from fluents_dashboard.app import create_app

TOKEN = "a-token-of-the-dashboard-0123456789"  # noqa: S105 # of a test
SUNDAY = datetime(2026, 1, 11, 19, tzinfo=UTC)  # of the week of simulated calls


class Visitor:
    """Somebody who opened the link with the token."""

    def __init__(
        self,
        warehouse: Path,
        now: datetime = SUNDAY,
        status: Callable[[], Mapping[str, Any]] = dict,
        **settings: Any,
    ) -> None:
        self.app = create_app(
            Settings(warehouse_path=warehouse, **settings),
            token=TOKEN,
            status=status,
            clock=lambda: now,
        )
        self.client: FlaskClient = self.app.test_client()
        self.client.get(f"/?token={TOKEN}")

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *exception: object) -> None:
        self.app.extensions["snapshots"].close()

    def get(self, path: str, code: int = 200) -> TestResponse:
        response = self.client.get(path)
        assert response.status_code == code, (path, response.status, response.text[:2000])
        return response

    def page(self, path: str, code: int = 200) -> str:
        """The HTML of a page that was finished."""
        text = self.get(path, code).text
        assert "could not be finished" not in text, path
        assert text.endswith("</html>\n") or text.endswith("</html>"), path
        return text

    def words(self, path: str, code: int = 200) -> str:
        """What a page says, without its markup."""
        return in_words(self.page(path, code))


def in_words(html: str) -> str:
    """The text of HTML, with one space for each gap."""
    body = html.partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())
