"""The files of docs/proxy.md, run by real nginx and Caddy in front of a real receiver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from fluents_connector.buffer import SqliteBuffer
from tests import needs
from tests.certificates import make_certificate
from tests.deliveries import TOKEN, body
from tests.docs.proxies import block_of, nginx_of, started
from tests.processes import Receiver, free_port

pytestmark = pytest.mark.attack

PAGE = (Path(__file__).parents[2] / "docs" / "proxy.md").read_text(encoding="utf-8")
LARGE = body("event_error", "x" * 9_000_000)

each_proxy = pytest.mark.parametrize("name", ["nginx", "caddy"])


def snippet(language: str, **changes: str) -> str:
    """The one block of a language, with this test's ports and files in place of the page's."""
    return block_of(PAGE, language, changes)


@dataclass
class Proxy:
    port: int
    folder: Path
    certificate: str

    def post(self, path: str, content: bytes, source: str = "127.0.0.1", **options: Any) -> int:
        """The status of a POST from an address of this machine."""
        with requests.Session() as session:
            session.trust_env = False
            session.mount("https://", _From(source))
            return session.post(
                f"https://localhost:{self.port}{path}",
                data=content,
                verify=self.certificate,
                timeout=60,
                **options,
            ).status_code

    def logs(self) -> str:
        return "".join(path.read_text() for path in self.folder.glob("*.log"))


class _From(HTTPAdapter):
    def __init__(self, source: str) -> None:
        self._source = source
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> Any:
        return super().init_poolmanager(*arguments, source_address=(self._source, 0), **options)


def nginx(folder: Path, port: int, backend: int, certificate: str, key: str) -> list[str]:
    site = snippet(
        "nginx",
        **{
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "/etc/letsencrypt/live/calls.example.com/fullchain.pem": certificate,
            "/etc/letsencrypt/live/calls.example.com/privkey.pem": key,
            "server_name calls.example.com": "server_name localhost",
            "/var/log/nginx/fluents.log": str(folder / "access.log"),
            "127.0.0.1:8080": f"127.0.0.1:{backend}",
        },
    )
    return nginx_of(folder, site)


def caddy(folder: Path, port: int, backend: int, certificate: str, key: str) -> list[str]:
    site = snippet(
        "caddy",
        **{
            "calls.example.com {": f"https://localhost:{port} {{\n\ttls {certificate} {key}",
            "127.0.0.1:8080": f"127.0.0.1:{backend}",
        },
    )
    config = folder / "Caddyfile"
    config.write_text(site.replace("{", "{\n\tadmin off\n\tauto_https disable_redirects", 1))
    return [needs.program("caddy"), "run", "--config", str(config), "--adapter", "caddyfile"]


@contextmanager
def in_front(name: str, receiver: Receiver, folder: Path) -> Iterator[Proxy]:
    certificate, key = make_certificate(folder)
    port = free_port()
    command = {"nginx": nginx, "caddy": caddy}[name](folder, port, receiver.port, certificate, key)
    home = {key: str(folder) for key in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    proxy = Proxy(port, folder, certificate)
    with started(command, folder, lambda: proxy.post("/", b""), **home):
        yield proxy


@each_proxy
def test_a_large_event_gets_through_and_what_is_not_let_in_stays_out(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "proxy").mkdir()
    with (
        Receiver(tmp_path, trusted_proxies=1, allowed_networks=["127.0.0.2/32"]) as receiver,
        in_front(name, receiver, tmp_path / "proxy") as proxy,
    ):
        url = f"/fluents/webhook/{TOKEN}"
        assert proxy.post(url, LARGE, "127.0.0.2") == 200
        assert proxy.post(f"{url}/", body("event_error"), "127.0.0.2") == 200
        assert proxy.post(url, LARGE, "127.0.0.1") == 404  # not an allowed sender
        forged = {"X-Forwarded-For": "127.0.0.2"}
        assert proxy.post(url, LARGE, "127.0.0.1", headers=forged) == 404
        forged = {"X-Forwarded-For": "127.0.0.1"}
        assert proxy.post(url, LARGE, "127.0.0.2", headers=forged) == 200
        assert proxy.post(f"{url}x", b"{}", "127.0.0.2") == 404
        assert proxy.post("/metrics", b"", "127.0.0.2") == 404
        # larger than allowed: the receiver's word, also where the proxy cuts the sender off
        with suppress(requests.ConnectionError):
            assert proxy.post(url, b"x" * 10_600_000, "127.0.0.2") == 413
        with closing(SqliteBuffer(tmp_path / ".fluents" / "buffer.sqlite")) as buffer:
            assert [refused.reason for refused in buffer.quarantined(9)] == ["too_large"]
        assert receiver.stop() == 0
        assert proxy.post(url, b"{}", "127.0.0.2") == 502  # which proxies write into error logs
    logs = proxy.logs()
    assert "/fluents/webhook/-" in logs
    assert "502" in logs
    assert TOKEN not in logs
