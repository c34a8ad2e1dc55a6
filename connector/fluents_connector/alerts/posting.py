"""Posts findings to the URL of the settings, which is a secret: no error and no log shows it.

The body is `{"text": …, "findings": […]}`. `text` is all that Slack's incoming webhooks, and those
that are made like them, look at: with `&`, `<` and `>` escaped, so that nothing in it is a mention.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import requests
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from fluents_connector.errors import AlertsFailed
from fluents_connector.loader_state import OpenFinding

TRIES = 3
TIMEOUT_SECONDS = 5.0  # of one try: to connect, and then between two bytes of the answer
BACKOFF_SECONDS = 1.0  # before the third try; the second follows at once
WHOLE_SECONDS = 25.0  # for all tries: also where an answer comes a byte at a time
MOST_TEXT = 7_000  # characters: Slack cuts at 40,000, and an escape has five
AGAIN = {408, 429, 500, 502, 503, 504}


class Poster:
    """Posts to one URL, one body at a time."""

    def __init__(
        self, url: SecretStr, *, timeout: float = TIMEOUT_SECONDS, whole: float = WHOLE_SECONDS
    ) -> None:
        """`timeout` is for one try, and `whole` for all of them, in seconds."""
        self._url = url
        self._timeout = timeout
        self._whole = whole
        self._thread: threading.Thread | None = None

    def post(self, findings: Sequence[OpenFinding]) -> None:
        """Returns when a 2xx has answered. Raises `AlertsFailed`, which does not name the URL."""
        if self._thread and self._thread.is_alive():
            raise _failed("still answers the last one, very slowly")
        body = json.dumps(payload(findings)).encode()
        outcome: list[str] = []
        # A thread, as a server that sends a byte now and then keeps a request going for days.
        self._thread = threading.Thread(target=self._try, args=(body, outcome), daemon=True)
        self._thread.start()
        self._thread.join(self._whole)
        answer = outcome[0] if outcome else f"did not answer within {self._whole:g} seconds"
        if answer:
            raise _failed(answer)

    def _try(self, body: bytes, outcome: list[str]) -> None:
        """Adds what was wrong, or an empty text."""
        # it would log the path of the URL beside each error that it tries again after
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        retries = Retry(
            TRIES - 1,
            allowed_methods=None,  # POST too: a finding that comes twice does no harm
            status_forcelist=AGAIN,
            raise_on_status=False,  # the last answer tells
            respect_retry_after_header=False,  # it may be an hour; the next look comes before that
            backoff_factor=BACKOFF_SECONDS / 2,
            redirect=False,
        )
        try:
            with requests.Session() as session:
                for scheme in ("http://", "https://"):
                    session.mount(scheme, HTTPAdapter(max_retries=retries))
                with session.post(
                    self._url.get_secret_value(),
                    data=body,
                    headers={"Content-Type": "application/json", "User-Agent": "fluents-warehouse"},
                    timeout=self._timeout,
                    allow_redirects=False,  # to whom it leads was not asked for
                    stream=True,  # what the answer says beside its status is not read
                ) as response:
                    is_taken = 200 <= response.status_code < 300
                    outcome.append("" if is_taken else f"answered {response.status_code}")
        except (
            requests.RequestException,
            ValueError,
            OSError,
        ) as error:  # which quotes the URL
            outcome.append(f"cannot be reached ({type(error).__name__})")


def payload(findings: Sequence[OpenFinding]) -> dict[str, Any]:
    """What is posted: a text for people, and the findings that began or ended."""
    ended = sum(one.has_ended for one in findings)
    counts = f"{len(findings) - ended} new, {ended} ended"
    lines = [f"fluents-warehouse: findings: {counts}", *map(_line, findings)]
    text = "\n".join(lines)[:MOST_TEXT]
    for sign, escape in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, escape)
    return {"text": text, "findings": [_as_json(one) for one in findings]}


def _line(one: OpenFinding) -> str:
    finding = one.finding
    word = "ended" if one.has_ended else finding.severity
    link = f" ({finding.link})" if finding.link and not one.has_ended else ""
    return f"{word}: {finding.says}{link}"


def _as_json(one: OpenFinding) -> dict[str, Any]:
    finding = one.finding
    return {
        "state": "ended" if one.has_ended else "new",
        "alert": finding.alert,
        "severity": finding.severity,
        "says": finding.says,
        "link": finding.link,
        "key": finding.key,
        "since": datetime.fromtimestamp(one.since, UTC).isoformat(timespec="seconds"),
        "values": finding.values,
    }


def _failed(what: str) -> AlertsFailed:
    return AlertsFailed(
        f"The findings were not posted: the address in `alerts_url` {what}. They are kept, and "
        "posted with the next run."
    )
