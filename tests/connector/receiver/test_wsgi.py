"""Under any WSGI server the receiver is valid WSGI and gives the same responses as `serve`."""

from __future__ import annotations

import asyncio
import gzip
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import pytest
import requests
from werkzeug.serving import WSGIRequestHandler, make_server

from fluents_connector.buffer import SqliteBuffer, open_buffer
from fluents_connector.receiver.app import _completed, create_app
from fluents_connector.receiver.rsgi import token_in
from fluents_connector.settings import load_settings
from tests.connector.receiver.test_server import until
from tests.deliveries import TOKEN, body
from tests.processes import Receiver, environment, free_port, write_settings

LIMIT = 4096
URL = f"/fluents/webhook/{TOKEN}"
GOOD = body("event_error", "x")


def chunks(content: bytes) -> Iterator[bytes]:
    yield content[:9]
    yield content[9:]


def responses(base: str) -> list[tuple[int, dict[str, str | None], str]]:
    """What a receiver at `base`, whose buffer is empty, answers one request after the other."""
    ids: dict[str, str] = {}

    def ask(
        method: str, path: str, content: bytes | Iterator[bytes] = b"", **headers: str
    ) -> tuple[int, dict[str, str | None], str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = session.request(method, base + path, data=content, headers=named, timeout=30)
        kept = {name: answer.headers.get(name) for name in ("Content-Type", "Allow", "Retry-After")}
        text = re.sub(
            r"[0-9a-f]{8}-[0-9a-f-]{27}",
            lambda id_: ids.setdefault(id_[0], f"id {len(ids)}"),
            answer.text,
        )
        return answer.status_code, kept, text if path != "/metrics" else ""

    with requests.Session() as session:
        session.trust_env = False
        return [
            ask("POST", URL, GOOD),
            ask("POST", f"{URL}/", GOOD),
            ask("POST", URL, chunks(body("event_error", "in chunks"))),
            ask("POST", URL, gzip.compress(body("event_error", "packed")), Content_Encoding="gzip"),
            ask("POST", URL, GOOD, Content_Encoding="br"),
            ask("POST", URL, b"{"),
            ask("POST", URL),
            ask("POST", URL, b"x" * (LIMIT + 1)),
            ask("POST", URL, chunks(b"x" * (LIMIT + 1))),
            ask("POST", f"{URL}x", GOOD),
            ask("POST", f"{URL}//", GOOD),
            ask("POST", "/fluents/webhook/", GOOD),
            ask("GET", "/fluents"),
            ask("GET", URL),
            ask("OPTIONS", f"{URL}/"),
            ask("HEAD", URL),
            ask("POST", "/healthz"),
            ask("GET", "/healthz"),
            ask("HEAD", "/healthz"),
            ask("GET", "/readyz"),
            ask("GET", "/openapi.json"),
            ask("GET", "/metrics"),
            ask("GET", "/metrics", X_Forwarded_For="127.0.0.1"),
        ]


STATUSES = [200, 200, 200, 200, 415, 400, 400, 413, 413]  # of what is stored
STATUSES += [404, 404, 404, 404, 405, 405, 405, 405, 200, 200, 200, 200, 200, 404]


class Handler(WSGIRequestHandler):
    def make_environ(self) -> dict[str, Any]:
        environ = super().make_environ()
        return environ | {"REMOTE_PORT": str(environ["REMOTE_PORT"])}  # a number is no WSGI

    def log(self, *arguments: object) -> None:
        """Says nothing."""


@contextmanager
def werkzeug_server(folder: Path) -> Iterator[str]:
    """Werkzeug's server, between which and the application a validator raises what is no WSGI."""
    settings = load_settings(write_settings(folder, max_body_bytes=LIMIT))
    with closing(open_buffer(settings)) as buffer:
        app = validator(create_app(settings, buffer))
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.port}"
        finally:
            server.shutdown()
            serving.join()
            server.server_close()


APPLICATION = """
from fluents_connector.buffer import open_buffer
from fluents_connector.receiver.app import create_app
from fluents_connector.settings import load_settings

settings = load_settings()
app = create_app(settings, open_buffer(settings))
"""


@contextmanager
def granian_wsgi_server(folder: Path) -> Iterator[str]:
    """granian by WSGI, where `serve` has RSGI."""
    write_settings(folder, max_body_bytes=LIMIT)
    (folder / "application.py").write_text(APPLICATION)
    port = free_port()
    command = ["granian", "--interface", "wsgi", "--port", f"{port}", "application:app"]
    with subprocess.Popen(
        [sys.executable, "-m", *command], cwd=folder, env=environment(), stderr=subprocess.DEVNULL
    ) as process:

        def is_ready() -> bool:
            assert process.poll() is None
            try:
                return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
            except requests.ConnectionError:
                return False

        try:
            until(is_ready)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    with Receiver(folder, workers=1, max_body_bytes=LIMIT) as receiver:
        yield receiver.base


Server = Callable[[Path], AbstractContextManager[str]]


def asked(server: Server, folder: Path) -> list[tuple[int, dict[str, str | None], str]]:
    folder.mkdir()
    with server(folder) as base:
        answers = responses(base)
    with closing(SqliteBuffer(folder / ".fluents" / "buffer.sqlite")) as buffer:
        assert (buffer.counts().pending, buffer.counts().duplicates) == (3, 1)
        assert buffer.counts().quarantined == 5
    return answers


@pytest.mark.parametrize(
    "server", [werkzeug_server, granian_wsgi_server], ids=["werkzeug, validated", "granian's WSGI"]
)
def test_any_wsgi_server_gives_the_responses_of_serve(tmp_path: Path, server: Server) -> None:
    ours = asked(serve, tmp_path / "ours")
    assert [status for status, _, _ in ours] == STATUSES
    assert ours[9] == ours[10] == ours[11] == ours[12]  # whatever is wrong with the path
    assert asked(server, tmp_path / "other") == ours


def test_nothing_may_wait_for_an_event_loop_where_there_is_none() -> None:
    with pytest.raises(RuntimeError, match="event loop"):
        _completed(asyncio.sleep(0))


@pytest.mark.parametrize(
    ("path", "token"),
    [
        (f"/fluents/webhook/{TOKEN}", TOKEN),
        (f"/fluents/webhook/{TOKEN}/", TOKEN),
        ("/fluents/webhook/wrong", "wrong"),
        (f"/fluents/webhook/{TOKEN}//", None),
        (f"/fluents/webhook/{TOKEN}/x", None),
        (f"/fluents//webhook/{TOKEN}", None),
        (f"/x/fluents/webhook/{TOKEN}", None),
        ("/fluents/webhook/", None),
        ("/fluents/webhook//", None),
        ("/fluents/webhook", None),
        (f"/{TOKEN}", None),
        ("", None),
    ],
)
def test_a_token_stands_behind_the_path_of_the_webhooks_alone(path: str, token: str | None) -> None:
    assert token_in(path) == token
