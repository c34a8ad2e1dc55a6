"""What the receiver answers: one JSON shape for all errors, and no token in any.

{"error": a word for machines, "detail": a sentence for people}
"""

from __future__ import annotations

import json
import re

import structlog
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from fluents_connector.errors import BufferUnavailable
from fluents_connector.receiver.metrics import Metrics
from fluents_connector.receiver.refusals import Refusals

RETRY_AFTER_SECONDS = 5  # as long as a commit may wait for the buffer's lock

log = structlog.get_logger(__name__)


def json_answer(content: dict[str, str | None], status: int = 200) -> Response:
    """`content` as a JSON object. Needs no context of Flask's."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(f"{text}\n", status, content_type="application/json")


def problem(error: str, detail: str, status: int) -> Response:
    """An answer that is no 2xx."""
    return json_answer({"error": error, "detail": detail}, status)


class Problems:
    """Turns whatever was raised while a request was answered into its answer, and counts it."""

    def __init__(self, metrics: Metrics, not_let_in: Refusals) -> None:
        self._refusals = metrics.refusals
        self._not_let_in = not_let_in

    def __call__(self, error: Exception) -> Response:
        """The answer to `error`, whatever that is."""
        if isinstance(error, HTTPException):
            return self._http_problem(error)
        if isinstance(error, BufferUnavailable):
            return self._unavailable(error)
        # Flask's own handler would log the path, which holds the token.
        log.error("unexpected_error", exc_info=error)
        return problem("internal_error", "The delivery was not stored. Send it again.", 500)

    def _http_problem(self, error: HTTPException) -> Response:
        status = error.code or 500
        word = re.sub(r"\W+", "_", error.name).lower()
        detail = "There is nothing here." if status == 404 else (error.description or error.name)
        reason = getattr(error, "reason", word)
        self._refusals.labels(reason).inc()
        if status in (404, 405):
            self._not_let_in.note(reason)
        response = problem(word, detail, status)
        if valid_methods := getattr(error, "valid_methods", None):
            response.headers["Allow"] = ", ".join(sorted(valid_methods))
        return response

    def _unavailable(self, error: BufferUnavailable) -> Response:
        log.error("buffer_unavailable", detail=str(error))
        self._refusals.labels("buffer_unavailable").inc()
        response = problem("unavailable", "The delivery was not stored. Send it again later.", 503)
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
