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
from functools import partial
from importlib.resources import files
from typing import Any

import structlog
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from connector.access import PATH
from connector.buffer import Buffer
from connector.delivery import Delivery
from connector.entrance import Entrance
from connector.errors import BufferUnavailable
from connector.metrics import Metrics
from connector.settings import Settings
from connector.storing import Outcome, Storing

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
    _count_answers(app, metrics)
    return app


def _add_webhook(app: Flask, entrance: Entrance, buffer: Buffer, metrics: Metrics) -> None:
    @app.post(f"{PATH}<token>", provide_automatic_options=False)
    def receive(token: str) -> Response:
        delivery = entrance.delivery(request, entrance.webhook(request, token))
        start = time.perf_counter()
        return Storing(delivery, buffer, partial(answer, request.environ, delivery, start))

    def answer(
        environ: dict[str, Any], delivery: Delivery, start: float, outcome: Outcome
    ) -> Response:
        metrics.append_seconds.observe(time.perf_counter() - start)
        if isinstance(outcome, Exception):
            with app.request_context(environ):
                return app.make_response(app.handle_user_exception(outcome))
        with app.app_context():
            if delivery.reason is not None:
                metrics.refusals.labels(delivery.reason).inc()
                detail = f"{delivery.detail} It is in the quarantine as {delivery.event_id}."
                return _problem(delivery.reason, detail, STATUSES.get(delivery.reason, 400))
            metrics.acknowledged.inc()
            if outcome.duplicate_of is None:
                return jsonify(status="stored", event_id=outcome.event_id)
            return jsonify(
                status="duplicate", event_id=outcome.event_id, duplicate_of=outcome.duplicate_of
            )


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
    def http_problem(error: HTTPException) -> Response:
        status = error.code or 500
        word = re.sub(r"\W+", "_", error.name).lower()
        detail = "There is nothing here." if status == 404 else (error.description or error.name)
        metrics.refusals.labels(getattr(error, "reason", word)).inc()
        response = _problem(word, detail, status)
        if valid_methods := getattr(error, "valid_methods", None):
            response.headers["Allow"] = ", ".join(sorted(valid_methods))
        return response

    @app.errorhandler(BufferUnavailable)
    def unavailable(error: BufferUnavailable) -> Response:
        log.error("buffer_unavailable", detail=str(error))
        metrics.refusals.labels("buffer_unavailable").inc()
        response = _problem("unavailable", "The delivery was not stored. Send it again later.", 503)
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        # Flask's own handler would log the path, which holds the token.
        log.exception("unexpected_error", endpoint=request.endpoint)
        return _problem("internal_error", "The delivery was not stored. Send it again.", 500)


def _count_answers(app: Flask, metrics: Metrics) -> None:
    # Not by Flask's hook, which sees an answer before its delivery is stored.
    respond = app.wsgi_app

    def counted(environ: dict[str, Any], start_response: Any) -> Any:
        def start(status: str, *more: Any) -> Any:
            metrics.requests.inc()
            metrics.responses.labels(status[:3]).inc()
            return start_response(status, *more)

        return respond(environ, start)

    app.wsgi_app = counted  # type: ignore[method-assign] # Flask's own way to add a middleware


def _problem(error: str, detail: str, status: int) -> Response:
    response = jsonify(error=error, detail=detail)
    response.status_code = status
    return response
