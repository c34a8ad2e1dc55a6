"""Serves the receiver by RSGI, granian's asynchronous protocol, with limits that its WSGI lacks.

- A POST to a webhook's URL goes to `Webhooks.receive` directly. Flask's contexts and routing
  would take about as long as to validate and store the delivery: `python -m tests.benchmarks
  receive` compares. Flask answers all other requests, whose bodies nobody reads.
- A body is read before a thread is taken, and given up if it is not there in time: a slow sender
  holds a connection, and never a thread.
- A small body is validated on the event loop, and no delivery holds a thread while it is stored.
- A body that is not wanted is not waited for: without authentication, none is. The response then
  says that the connection is closed, so that neither a sender nor a proxy sends a delivery on it.
  One that is a little too large is read and thrown away: to close a connection on bytes that nobody
  read resets it, and a proxy in front may then say 502 in place of our 413.
- A header whose name has an underscore is dropped. WSGI writes `X_Forwarded_For` and
  `X-Forwarded-For` as one variable, so a sender could overwrite what a proxy has said.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined] # lacks __all__
from werkzeug.wrappers import Response

from fluents_connector.buffer import Receipt
from fluents_connector.delivery import Delivery
from fluents_connector.receiver.app import flask_app
from fluents_connector.receiver.group_commit import GroupCommit
from fluents_connector.receiver.responses import BodyIncomplete, BodyTimeout
from fluents_connector.receiver.webhook import Webhooks
from fluents_connector.settings import WEBHOOK_PATH

if TYPE_CHECKING:
    from granian._granian import RSGIHTTPProtocol
    from granian.rsgi import Scope

DISCARDED = 16 * 1024**2  # bytes over the limit that are read before a body is refused
SMALL = 64 * 1024  # bytes of a body that takes less than some milliseconds, if it is not packed


class Rsgi:
    """Serves `webhooks` on the event loop and at most `threads` threads.

    A body must come within `seconds`.
    """

    def __init__(self, webhooks: Webhooks, *, threads: int, seconds: float) -> None:
        self._webhooks = webhooks
        self._app = flask_app(webhooks)
        self._seconds = seconds
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._commits = GroupCommit(webhooks.buffer)

    async def __rsgi__(self, scope: Scope, protocol: RSGIHTTPProtocol) -> None:
        token = token_in(scope.path) if scope.method == "POST" else None
        request = RsgiRequest(scope, protocol, self._seconds, self._run, self._commits)
        if token is None:
            response = await self._run(
                partial(Response.from_app, self._app, _environ(scope), buffered=True)
            )
        else:
            response = await self._webhooks.receive(token, request)
            self._webhooks.metrics.responded(response.status_code)
        headers = [*response.headers]
        if not request.is_read:
            headers.append(("Connection", "close"))  # what may still come is no request
        protocol.response_bytes(response.status_code, headers, response.get_data())

    async def _run(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


def token_in(path: str) -> str | None:
    """The token of a path that is a webhook's, right or wrong; None of any other path."""
    if not path.startswith(WEBHOOK_PATH):
        return None
    token = path[len(WEBHOOK_PATH) :].removesuffix("/")
    return None if "/" in token else token or None


class RsgiRequest:
    """A request that granian hands to the event loop, which nothing may block."""

    def __init__(
        self,
        scope: Scope,
        protocol: RSGIHTTPProtocol,
        seconds: float,
        run_in_thread: Callable[[Callable[[], Any]], Any],
        commits: GroupCommit,
    ) -> None:
        self._protocol = protocol
        self._headers = _headers(scope)
        self._seconds = seconds
        self._run_in_thread = run_in_thread
        self._commits = commits
        self._is_small = True
        # HTTP/1.1 announces a body by one of the two
        self.is_read = (
            self._headers.get("content-length", "0") == "0"
            and "transfer-encoding" not in self._headers
        )
        self.peer = _address(scope.client)

    def header(self, name: str) -> str | None:
        """A header's value, several as one list with commas."""
        return self._headers.get(name.lower())

    async def read(self, limit: int) -> bytes | None:
        """The whole body; None if it is too large. Raises `BodyIncomplete` and `BodyTimeout`."""
        try:
            async with asyncio.timeout(self._seconds):
                body = await self._read(limit)
        except ProtocolClosed:
            raise BodyIncomplete from None
        except TimeoutError:
            raise BodyTimeout(f"The body was not there within {self._seconds:g} seconds.") from None
        packed = "content-encoding" in self._headers
        self._is_small = body is None or (len(body) <= SMALL and not packed)
        return body

    async def _read(self, limit: int) -> bytes | None:
        length = self._headers.get("content-length")
        if length is not None:  # the server holds a sender to it
            if int(length) <= limit:
                whole: bytes = await self._protocol()
                self.is_read = True
                return whole
            if int(length) > limit + DISCARDED:
                return None
        body = bytearray()
        received = 0
        async for chunk in self._protocol:
            received += len(chunk)
            if received <= limit:
                body += chunk
            elif received > limit + DISCARDED:
                return None
        self.is_read = True
        return bytes(body) if received <= limit else None

    async def run(self, work: Callable[[], Delivery]) -> Delivery:
        """The result of `work`: in a thread, where the body may take more than milliseconds."""
        if self._is_small:
            return work()
        delivery: Delivery = await self._run_in_thread(work)
        return delivery

    async def store(self, delivery: Delivery) -> Receipt:
        """Stores `delivery` by a commit that it shares with others."""
        return await self._commits.append(delivery)


def _headers(scope: Scope) -> dict[str, str]:
    """The headers by their names in lower case, several of one name as one list with commas."""
    headers: dict[str, str] = {}
    for name, value in scope.headers.items():
        if "_" not in name:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _address(client: str) -> str:
    return client.rpartition(":")[0].strip("[]")


def _environ(scope: Scope) -> dict[str, Any]:
    """What WSGI says of a request, with an empty body."""
    server, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": _address(scope.client),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in _headers(scope).items():
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return environ
