"""Every response of the receiver is chosen here: one JSON shape for all errors, no token in any.

{"error": a word for machines, "detail": a sentence for people}
"""

from __future__ import annotations

import json
import re

import structlog
from werkzeug.exceptions import BadRequest, HTTPException, NotFound, RequestTimeout
from werkzeug.wrappers import Response

from fluents_connector.buffer import Receipt
from fluents_connector.delivery import Delivery
from fluents_connector.errors import BufferUnavailable
from fluents_connector.logs import traceback_of
from fluents_connector.receiver.auth import NotAuthenticated
from fluents_connector.receiver.metrics import Metrics
from fluents_connector.receiver.refusals import Refusals

# of a delivery that went to the quarantine for this reason; 400 for all others
QUARANTINED = {"too_large": 413, "unknown_encoding": 415}
RETRY_AFTER_SECONDS = 5  # as long as a commit may wait for the buffer's lock

log = structlog.get_logger(__name__)


class BodyIncomplete(Exception):
    """The sender went away before the end of the body."""


class BodyTimeout(Exception):
    """The body did not come in time. Its text is a sentence for the sender."""


def json_response(content: dict[str, str | None], status: int = 200) -> Response:
    """`content` as a JSON object. Needs no context of Flask's."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(f"{text}\n", status, content_type="application/json")


class Responses:
    """Makes the response to a delivery or an error, and counts what it says."""

    def __init__(self, metrics: Metrics, refusals: Refusals) -> None:
        self._metrics = metrics
        self._refusals = refusals

    def to_delivery(self, delivery: Delivery, receipt: Receipt) -> Response:
        """The response to a delivery that is stored durably, as an event or in the quarantine."""
        if delivery.reason is not None:
            self._metrics.refusals.labels(delivery.reason).inc()
            detail = f"{delivery.detail} It is in the quarantine as {delivery.event_id}."
            return _problem(delivery.reason, detail, QUARANTINED.get(delivery.reason, 400))
        self._metrics.acknowledged.inc()
        if receipt.duplicate_of is None:
            return json_response({"status": "stored", "event_id": receipt.event_id})
        return json_response(
            {
                "status": "duplicate",
                "event_id": receipt.event_id,
                "duplicate_of": receipt.duplicate_of,
            }
        )

    def to_error(self, error: Exception) -> Response:
        """The response to whatever was raised while a request was answered."""
        match error:
            case NotAuthenticated():
                return self._refused(NotFound(), error.reason)
            case BodyIncomplete():
                return self._refused(BadRequest("The body ended before its Content-Length."))
            case BodyTimeout():
                return self._refused(RequestTimeout(str(error)))
            case HTTPException():  # of Flask: an unknown path, a wrong method
                return self._refused(error)
            case BufferUnavailable():
                return self._unavailable(error)
        # Flask's own handler would log the path, which holds the token.
        log.error("unexpected_error", exception=traceback_of(error))
        return _problem("internal_error", "The delivery was not stored. Send it again.", 500)

    def _refused(self, error: HTTPException, reason: str | None = None) -> Response:
        status = error.code or 500
        word = re.sub(r"\W+", "_", error.name).lower()
        detail = "There is nothing here." if status == 404 else (error.description or error.name)
        self._metrics.refusals.labels(reason or word).inc()
        if status in (404, 405):
            self._refusals.note(reason or word)
        response = _problem(word, detail, status)
        if valid_methods := getattr(error, "valid_methods", None):
            response.headers["Allow"] = ", ".join(sorted(valid_methods))
        return response

    def _unavailable(self, error: BufferUnavailable) -> Response:
        log.error("buffer_unavailable", detail=str(error))
        self._metrics.refusals.labels("buffer_unavailable").inc()
        response = _problem("unavailable", "The delivery was not stored. Send it again later.", 503)
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response


def _problem(error: str, detail: str, status: int) -> Response:
    return json_response({"error": error, "detail": detail}, status)
