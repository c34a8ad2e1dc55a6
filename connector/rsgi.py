"""Lets granian's asynchronous protocol call a WSGI application, with limits that its WSGI lacks.

- A body that is not there in time is given up, so no sender holds a thread for ever.
- A body that the application does not ask for is never waited for: without the token, any.
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

from werkzeug.exceptions import RequestTimeout

if TYPE_CHECKING:
    from granian._granian import RSGIHTTPProtocol
    from granian.rsgi import Scope

GIVEN_UP = {408, 413}  # answers before the end of a body

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
Answer = tuple[int, list[tuple[str, str]], bytes]


class Rsgi:
    """Serves `app` with at most `threads` requests at a time; the others wait.

    A body is read up to a little more than `max_bytes`, and for `seconds` at most.
    """

    def __init__(self, app: WsgiApp, *, threads: int, max_bytes: int, seconds: float) -> None:
        self._app = app
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._max_bytes = max_bytes
        self._seconds = seconds

    async def __rsgi__(self, scope: Scope, protocol: RSGIHTTPProtocol) -> None:
        loop = asyncio.get_running_loop()

        def read() -> bytes:
            # The application asks for it in a thread; only the loop may talk to granian.
            reading = _read(protocol, self._max_bytes, self._seconds)
            body = asyncio.run_coroutine_threadsafe(reading, loop).result()
            if body is None:
                raise RequestTimeout(f"The body was not there within {self._seconds:g} seconds.")
            return body

        environ = _environ(scope, io.BufferedReader(_Body(read)))
        status, headers, body = await loop.run_in_executor(self._pool, self._respond, environ)
        if status in GIVEN_UP:
            headers.append(("Connection", "close"))  # what may still come is no request
        protocol.response_bytes(status, headers, body)

    def _respond(self, environ: dict[str, Any]) -> Answer:
        status, headers = 500, []

        def start_response(line: str, fields: list[tuple[str, str]], _: object = None) -> None:
            nonlocal status, headers
            status, headers = int(line[:3]), fields

        parts = self._app(environ, start_response)
        try:
            return status, headers, b"".join(parts)
        finally:
            getattr(parts, "close", lambda: None)()


class _Body(io.RawIOBase):
    """The body of a request, which is asked for when it is first read."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        self._content: io.BytesIO | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._content is None:
            self._content = io.BytesIO(self._read())
        return self._content.readinto(buffer)


async def _read(protocol: RSGIHTTPProtocol, max_bytes: int, seconds: float) -> bytes | None:
    """The body, or more than `max_bytes` of it; None if it does not come in time."""
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in protocol:
                body += chunk
                if len(body) > max_bytes:
                    break
    except TimeoutError:
        return None
    return bytes(body)


def _environ(scope: Scope, body: io.BufferedReader) -> dict[str, Any]:
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
