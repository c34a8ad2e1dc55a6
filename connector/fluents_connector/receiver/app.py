"""The receiver as a Flask application, which any WSGI server can run.

Under another server than ours (`fluents_connector.receiver.rsgi`) it gives the same responses;
each delivery has a commit of its own there, and the server's own limits hold for slow senders.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Coroutine
from importlib.resources import files
from typing import Any, TypeVar

from flask import Flask, Response, request
from werkzeug import wrappers
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from fluents_connector import __version__
from fluents_connector.buffer import Buffer, Receipt
from fluents_connector.delivery import Delivery
from fluents_connector.receiver.responses import BodyIncomplete, json_response
from fluents_connector.receiver.webhook import Webhooks, now_microseconds
from fluents_connector.settings import WEBHOOK_PATH, Settings

READY_SECONDS = 1.0  # /readyz needs no token, so it may not cost a sync for each request


T = TypeVar("T")


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
    return flask_app(Webhooks(settings, buffer, clock=clock, random_bits=random_bits))


def flask_app(webhooks: Webhooks) -> Flask:
    """The Flask application of `webhooks`, with health, metrics and a description of itself."""
    app = Flask("fluents_connector", static_folder=None)
    app.url_map.merge_slashes = False  # its redirect would repeat the token
    app.register_error_handler(Exception, webhooks.responses.to_error)

    @app.after_request
    def count(response: Response) -> Response:
        webhooks.metrics.responded(response.status_code)
        return response

    @app.route(
        f"{WEBHOOK_PATH}<token>",
        methods=["POST"],
        provide_automatic_options=False,
        strict_slashes=False,
    )
    def receive(token: str) -> wrappers.Response:
        return _completed(webhooks.receive(token, BlockingRequest(request, webhooks.buffer)))

    _add_operations(app, webhooks)
    return app


class BlockingRequest:
    """A request of a WSGI server, whose thread may wait: each method ends at once or blocks."""

    def __init__(self, request: wrappers.Request, buffer: Buffer) -> None:
        self._request = request
        self._buffer = buffer
        self.peer = request.remote_addr

    def header(self, name: str) -> str | None:
        """A header's value; several are one in WSGI."""
        return self._request.headers.get(name)

    async def read(self, limit: int) -> bytes | None:
        """The whole body; None if it is too large. Raises `BodyIncomplete`."""
        # One byte more than allowed, as Werkzeug cuts a chunked body at the limit without a word.
        self._request.max_content_length = limit + 1
        try:
            body = self._request.get_data(cache=False)
        except RequestEntityTooLarge:
            return None
        except ClientDisconnected:
            raise BodyIncomplete from None
        if len(body) > limit:
            return None
        if len(body) < (self._request.content_length or 0):
            raise BodyIncomplete
        return body

    async def run(self, work: Callable[[], Delivery]) -> Delivery:
        """The result of `work`."""
        return work()

    async def store(self, delivery: Delivery) -> Receipt:
        """Stores `delivery` by a commit of its own."""
        return self._buffer.append(delivery)


def _completed(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that nothing suspends, without an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        result: T = ended.value
        return result
    coroutine.close()
    raise RuntimeError("a blocking request waited for an event loop")


def _description() -> bytes:
    """The OpenAPI description of this version."""
    description = json.loads((files("fluents_connector.receiver") / "openapi.json").read_bytes())
    description["info"]["version"] = __version__
    return json.dumps(description).encode()


def _add_operations(app: Flask, webhooks: Webhooks) -> None:
    openapi = _description()
    ready_lock = threading.Lock()
    ready_until = 0.0

    @app.get("/healthz")
    def healthz() -> wrappers.Response:
        return json_response({"status": "alive"})

    @app.get("/openapi.json")
    def description() -> Response:
        return Response(openapi, content_type="application/json")

    @app.get("/readyz")
    def readyz() -> wrappers.Response:
        nonlocal ready_until
        with ready_lock:
            if time.monotonic() >= ready_until:
                webhooks.buffer.check()
                ready_until = time.monotonic() + READY_SECONDS
        return json_response({"status": "ready"})

    @app.get("/metrics")
    def metrics() -> Response:
        webhooks.authenticator.check_metrics_reader(request.remote_addr, request.headers.get)
        page = webhooks.metrics.page()
        return Response(page, content_type="text/plain; version=0.0.4; charset=utf-8")
