"""The receiver: a Flask application that stores each delivery before it answers 2xx.

What it does with a delivery, `fluents_connector.receiver.webhook_path` says; here is what is around
that: health, metrics, its own description, and an answer in one shape to all errors.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from flask import Flask, Response, request

from fluents_connector.buffer import Buffer
from fluents_connector.receiver.group_commit import WsgiApp
from fluents_connector.receiver.metrics import Metrics
from fluents_connector.receiver.refusals import Refusals
from fluents_connector.receiver.responses import Problems, json_answer
from fluents_connector.receiver.webhook import Entrance
from fluents_connector.receiver.webhook_path import Deliveries
from fluents_connector.settings import Settings

READY_SECONDS = 1.0  # /readyz needs no token, so it may not cost a sync for each request

_DESCRIPTION = (files("fluents_connector.receiver") / "openapi.json").read_bytes()


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
    app = Flask("fluents_connector", static_folder=None)
    app.url_map.merge_slashes = False  # its redirect would repeat the token
    metrics = Metrics(buffer, settings.data_dir)
    problems = Problems(metrics, Refusals(settings.data_dir))
    entrance = Entrance(settings, clock=clock, random_bits=random_bits)
    _add_operations(app, entrance, buffer, metrics)
    app.register_error_handler(Exception, problems)
    in_front = Deliveries(app.wsgi_app, entrance, buffer, metrics, problems)
    app.wsgi_app = _counted(in_front, metrics)  # type: ignore[method-assign] # Flask documents it
    return app


def _add_operations(app: Flask, entrance: Entrance, buffer: Buffer, metrics: Metrics) -> None:
    ready_lock = threading.Lock()
    ready_until = 0.0

    @app.get("/healthz")
    def healthz() -> Any:
        return json_answer({"status": "alive"})

    @app.get("/openapi.json")
    def description() -> Any:
        return Response(_DESCRIPTION, content_type="application/json")

    @app.get("/readyz")
    def readyz() -> Any:
        nonlocal ready_until
        with ready_lock:
            if time.monotonic() >= ready_until:
                buffer.check()
                ready_until = time.monotonic() + READY_SECONDS
        return json_answer({"status": "ready"})

    @app.get("/metrics")
    def metrics_page() -> Any:
        entrance.check_metrics_reader(request)
        return Response(metrics.page(), content_type="text/plain; version=0.0.4; charset=utf-8")


def _counted(respond: WsgiApp, metrics: Metrics) -> Any:
    def counted(environ: dict[str, Any], start_response: Any) -> Any:
        def start(status: str, *more: Any) -> Any:
            metrics.requests.inc()
            metrics.responses.labels(status[:3]).inc()
            return start_response(status, *more)

        return respond(environ, start)

    return counted
