"""Lets granian's asynchronous protocol call a WSGI application, with limits that its WSGI lacks.

- A body is read before a thread is taken, and given up if it is not there in time: a slow sender
  holds a connection, and never a thread.
- A small body is judged on the event loop, and no delivery holds a thread while it is stored: tens
  of threads that wait for one commit would wake one by one, for more than the commit costs.
- A body that is not wanted is not waited for: without the token, none is. One that is a little too
  large is read and thrown away: to close a connection on bytes that nobody read resets it, and a
  proxy in front may then say 502 in place of our 413.
- A header whose name has an underscore is dropped. WSGI writes `X_Forwarded_For` and
  `X-Forwarded-For` as one variable, so a sender could overwrite what a proxy has said.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined] # lacks __all__
from werkzeug.exceptions import RequestTimeout

from fluents_connector.buffer import Buffer
from fluents_connector.delivery import Delivery
from fluents_connector.receiver.group_commit import LATER, Finish, SharedCommits, WsgiApp

if TYPE_CHECKING:
    from granian._granian import RSGIHTTPProtocol
    from granian.rsgi import Scope

GIVEN_UP = {408, 413}  # answers before the end of a body
DISCARDED = 16 * 1024**2  # bytes over the limit that are read before a body is refused
SMALL = 64 * 1024  # bytes of a body that takes less than some milliseconds, if it is not packed

Answer = tuple[int, list[tuple[str, str]], Iterable[bytes]]


class Rsgi:
    """Serves `app`, which stores in `buffer`, on the event loop and at most `threads` threads.

    A body is read where `wants_body(method, path)`, for `seconds` at most, and up to a little
    more than `max_bytes`. The application is given an empty one otherwise.
    """

    def __init__(
        self,
        app: WsgiApp,
        buffer: Buffer,
        *,
        wants_body: Callable[[str, str], bool],
        threads: int,
        max_bytes: int,
        seconds: float,
    ) -> None:
        self._app = app
        self._commits = SharedCommits(buffer)
        self._wants_body = wants_body
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._max_bytes = max_bytes
        self._seconds = seconds

    async def __rsgi__(self, scope: Scope, protocol: RSGIHTTPProtocol) -> None:
        body: io.BufferedIOBase = io.BytesIO()
        is_small = False
        if self._wants_body(scope.method, scope.path):
            try:
                async with asyncio.timeout(self._seconds):
                    content = await self._read(scope, protocol)
                body = io.BytesIO(content)
                is_small = len(content) <= SMALL and "content-encoding" not in scope.headers
            except ProtocolClosed:
                pass  # the sender went away, so the body is shorter than its length
            except TimeoutError:
                body = _NotThere(f"The body was not there within {self._seconds:g} seconds.")
        status, headers, parts = await self._respond(_environ(scope, body), is_small)
        if status in GIVEN_UP:
            headers.append(("Connection", "close"))  # what may still come is no request
        try:
            protocol.response_bytes(status, headers, b"".join(parts))
        finally:
            getattr(parts, "close", lambda: None)()

    async def _read(self, scope: Scope, protocol: RSGIHTTPProtocol) -> bytes:
        length = scope.headers.get("content-length")
        if length is not None:  # the server holds a sender to it
            if int(length) <= self._max_bytes:
                return await protocol()
            if int(length) > self._max_bytes + DISCARDED:
                return b""
        body = bytearray()
        received = 0
        async for chunk in protocol:
            received += len(chunk)
            if len(body) <= self._max_bytes:
                body += chunk
            if received > self._max_bytes + DISCARDED:
                break
        return bytes(body)

    async def _respond(self, environ: dict[str, Any], is_small: bool) -> Answer:
        status, headers = 500, []
        unstored: list[tuple[Delivery, Finish]] = []

        def start_response(line: str, fields: list[tuple[str, str]], _: object = None) -> None:
            nonlocal status, headers
            status, headers = int(line[:3]), fields

        environ[LATER] = lambda *later: unstored.append(later)
        if is_small:
            parts = self._app(environ, start_response)
        else:
            loop = asyncio.get_running_loop()
            parts = await loop.run_in_executor(self._pool, self._app, environ, start_response)
        for delivery, finish in unstored:  # one at most
            parts = finish(await self._commits.append(delivery))
        return status, headers, parts


class _NotThere(io.BytesIO):
    """Stands for a body that did not come: the application hears it when it reads."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self._why = why

    def read(self, size: int | None = -1, /) -> bytes:
        raise RequestTimeout(self._why)

    readinto = readline = read  # type: ignore[assignment] # none of them ends otherwise


def _environ(scope: Scope, body: io.BufferedIOBase) -> dict[str, Any]:
    server, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": body,
        "wsgi.input_terminated": True,  # it ends by itself, chunked or not
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ
