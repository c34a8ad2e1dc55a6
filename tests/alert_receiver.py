"""A real HTTP server that takes posted findings, or does with them what a test wants."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class AlertReceiver(ThreadingHTTPServer):
    """Does what `behaviours` say, one request after the other; the last of them for good.

    A number is the status that it answers with; `hang` never answers, `reset` breaks the
    connection, `drip` sends a header a byte at a time, `redirect` leads to another path.
    """

    daemon_threads = True

    def __init__(self, behaviours: Sequence[int | str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviours = list(behaviours)
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.ends = threading.Event()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: AlertReceiver

    def do_POST(self) -> None:
        server = self.server
        server.paths.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        behaviours = server.behaviours
        behaviour = behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]
        server.bodies.append(json.loads(body))
        match behaviour:
            case "hang":
                server.ends.wait(60)
            case "reset":
                linger = struct.pack("ii", 1, 0)  # so that closing sends a reset
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
            case "drip":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not server.ends.wait(0.1):
                    self.wfile.write(b"x")
            case "redirect":
                self.send_response(307)
                self.send_header("Location", "/elsewhere")
                self.end_headers()
            case int():
                self.send_response(behaviour)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

    def finish(self) -> None:
        with suppress(OSError):  # the other side, or this one, has closed it
            super().finish()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def receiving(*behaviours: int | str) -> Iterator[AlertReceiver]:
    """A server on a port of its own, until the end of the block."""
    with AlertReceiver(behaviours or [200]) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign] # of a client that left
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.ends.set()
            server.shutdown()
            thread.join()
