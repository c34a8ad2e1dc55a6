"""The receiver: a Flask application that stores each delivery before it answers 2xx.

Every answer but a 2xx has the same JSON shape: {"error": a word, "detail": a sentence}.
No answer and no log line holds a token.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable
from importlib.resources import files

import structlog
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from connector.access import PATH
from connector.buffer import Buffer
from connector.entrance import Entrance
from connector.errors import BufferUnavailable
from connector.metrics import Metrics
from connector.settings import Settings

RETRY_AFTER_SECONDS = 5  # as long as a commit may wait for the buffer's lock
# of a delivery that went to the quarantine for this reason; 400 for all others
STATUSES = {"too_large": 413, "unknown_encoding": 415}
READY_SECONDS = 1.0  # /readyz needs no token, so it may not cost a sync for each request

_DESCRIPTION = (files("connector") / "openapi.json").read_bytes()

log = structlog.get_logger(__name__)


def now_microseconds() -> int:
    """The wall clock in microseconds since 1970 (UTC)."""
    return time.time_ns() // 1000


def create_app(
    settings: Settings,
    buffer: Buffer,
    *,
    clock: Callable[[], int] = now_microseconds,
    random_bits: Callable[[int], int] = secrets.randbits,
) -> Flask:
    """A receiver that appends to `buffer` what the settings' webhooks are sent.

    `clock` gives microseconds since 1970 (UTC); `random_bits(n)` n random bits for ids.
    """
    app = Flask("connector", static_folder=None)
    app.url_map.merge_slashes = False  # its redirect would repeat the token
    # One byte more than allowed, as Werkzeug cuts a chunked body at the limit without a word.
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes + 1
    app.json.ensure_ascii = False  # type: ignore[attr-defined] # of the default provider
    metrics = Metrics(buffer, settings.data_dir)
    entrance = Entrance(settings, clock=clock, random_bits=random_bits)
    _add_webhook(app, entrance, buffer, metrics)
    _add_operations(app, entrance, buffer, metrics)
    _add_errors(app, metrics)
    return app


def _add_webhook(app: Flask, entrance: Entrance, buffer: Buffer, metrics: Metrics) -> None:
    @app.post(f"{PATH}<token>", provide_automatic_options=False)
    def receive(token: str) -> tuple[Response, int]:
        delivery = entrance.delivery(request, entrance.webhook(request, token))
        with metrics.append_seconds.time():
            receipt = buffer.append(delivery)
        if delivery.reason is not None:
            metrics.refusals.labels(delivery.reason).inc()
            detail = f"{delivery.detail} It is in the quarantine as {delivery.event_id}."
            return _problem(delivery.reason, detail), STATUSES.get(delivery.reason, 400)
        metrics.acknowledged.inc()
        if receipt.duplicate_of is not None:
            return jsonify(
                status="duplicate", event_id=receipt.event_id, duplicate_of=receipt.duplicate_of
            ), 200
        return jsonify(status="stored", event_id=receipt.event_id), 200


def _add_operations(app: Flask, entrance: Entrance, buffer: Buffer, metrics: Metrics) -> None:
    ready_lock = threading.Lock()
    ready_until = 0.0

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="alive")

    @app.get("/openapi.json")
    def description() -> Response:
        return Response(_DESCRIPTION, content_type="application/json")

    @app.get("/readyz")
    def readyz() -> Response:
        nonlocal ready_until
        with ready_lock:
            if time.monotonic() >= ready_until:
                buffer.check()
                ready_until = time.monotonic() + READY_SECONDS
        return jsonify(status="ready")

    @app.get("/metrics")
    def metrics_page() -> Response:
        entrance.check_metrics_reader(request)
        return Response(metrics.page(), content_type="text/plain; version=0.0.4; charset=utf-8")


def _add_errors(app: Flask, metrics: Metrics) -> None:
    @app.errorhandler(HTTPException)
    def http_problem(error: HTTPException) -> tuple[Response, int]:
        status = error.code or 500
        word = re.sub(r"\W+", "_", error.name).lower()
        detail = "There is nothing here." if status == 404 else (error.description or error.name)
        metrics.refusals.labels(getattr(error, "reason", word)).inc()
        response = _problem(word, detail)
        if valid_methods := getattr(error, "valid_methods", None):
            response.headers["Allow"] = ", ".join(sorted(valid_methods))
        return response, status

    @app.errorhandler(BufferUnavailable)
    def unavailable(error: BufferUnavailable) -> tuple[Response, int]:
        log.error("buffer_unavailable", detail=str(error))
        metrics.refusals.labels("buffer_unavailable").inc()
        response = _problem("unavailable", "The delivery was not stored. Send it again later.")
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response, 503

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> tuple[Response, int]:
        # Flask's own handler would log the path, which holds the token.
        log.exception("unexpected_error", endpoint=request.endpoint)
        return _problem("internal_error", "The delivery was not stored. Send it again."), 500

    @app.after_request
    def count(response: Response) -> Response:
        metrics.requests.inc()
        metrics.responses.labels(str(response.status_code)).inc()
        return response


def _problem(error: str, detail: str) -> Response:
    return jsonify(error=error, detail=detail)
