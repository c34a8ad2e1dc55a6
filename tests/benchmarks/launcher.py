"""Runs the real command line with one thing changed in its own process, to compare with.

    python -m tests.benchmarks.launcher "one commit a request" serve

A function that is no longer there is an error, so that a variant never turns into the product.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections.abc import Callable
from typing import Any


def store_nothing() -> None:
    """The same receiver validates each body and answers, but nothing is kept."""
    import asyncio

    from fluents_connector.buffer import Receipt
    from fluents_connector.receiver.group_commit import GroupCommit

    def append(_: GroupCommit, delivery: Any) -> asyncio.Future[Any]:
        receipt = asyncio.get_running_loop().create_future()
        receipt.set_result(Receipt(delivery.event_id, None))
        return receipt

    assert callable(GroupCommit.append)
    GroupCommit.append = append  # type: ignore[method-assign]


def commit_each_request() -> None:
    """No two requests share a commit."""
    from fluents_connector.receiver import group_commit

    assert group_commit.MOST > 1
    group_commit.MOST = 1


def serve_an_empty_view() -> None:
    """A Flask application of one view that parses the body, behind the same server."""
    import io

    from flask import Flask, jsonify, request
    from werkzeug.wrappers import Response

    from fluents_connector.receiver import rsgi
    from fluents_connector.settings import WEBHOOK_PATH

    app = Flask("empty", static_folder=None)

    @app.post(f"{WEBHOOK_PATH}<token>")
    def receive(token: str) -> Any:
        json.loads(request.get_data())
        return jsonify(status="stored")

    @app.get("/readyz")
    def readyz() -> Any:
        return jsonify(status="ready")

    async def respond(_: rsgi.Rsgi, scope: Any, protocol: Any) -> None:
        environ = rsgi._environ(scope) | {"wsgi.input": io.BytesIO(await protocol())}
        response = Response.from_app(app, environ, buffered=True)
        protocol.response_bytes(response.status_code, [*response.headers], response.get_data())

    assert callable(rsgi.Rsgi.__rsgi__)
    rsgi.Rsgi.__rsgi__ = respond  # type: ignore[method-assign]


VARIANTS: dict[str, Callable[[], None]] = {
    "stores nothing": store_nothing,
    "one commit a request": commit_each_request,
    "empty view": serve_an_empty_view,
}


def main(variant: str, *command: str) -> None:
    multiprocessing.set_start_method("fork")  # so that the workers get what was changed here
    VARIANTS[variant]()
    from fluents_warehouse.cli import main as command_line

    sys.argv = ["fluents-warehouse", *command]
    command_line()


if __name__ == "__main__":
    main(*sys.argv[1:])
