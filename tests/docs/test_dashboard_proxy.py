"""The proxy of docs/deployment.md that authenticates people: real nginx before a dashboard."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import requests

from tests import needs, warehouses
from tests.certificates import make_certificate
from tests.dashboard.running import Dashboard
from tests.docs.proxies import block_of, nginx_of, started
from tests.processes import free_port

pytestmark = pytest.mark.attack

PAGE = (Path(__file__).parents[2] / "docs" / "deployment.md").read_text(encoding="utf-8")
TOKEN = "a-token-that-only-the-proxy-knows-0123456789"  # noqa: S105 # of this test alone
PASSWORD = "the password of ada"  # noqa: S105 # of this test alone


def site(folder: Path, port: int, backend: int) -> str:
    """The page's block, with this test's ports and files."""
    certificate, key = make_certificate(folder)
    hashed = subprocess.run(
        [needs.program("openssl"), "passwd", "-apr1", PASSWORD],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (folder / "htpasswd").write_text(f"ada:{hashed}")
    changes = {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/letsencrypt/live/calls.example.com/fullchain.pem": certificate,
        "/etc/letsencrypt/live/calls.example.com/privkey.pem": key,
        "server_name calls.example.com": "server_name localhost",
        "/etc/nginx/calls.htpasswd": str(folder / "htpasswd"),
        "127.0.0.1:2718": f"127.0.0.1:{backend}",
        "<dashboard_token>": TOKEN,
    }
    return f"access_log {folder}/access.log;\n{block_of(PAGE, 'nginx', changes)}"


def ask(folder: Path, port: int, password: str = "", **headers: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(
            f"https://localhost:{port}/",
            auth=("ada", password) if password else None,
            headers=headers,
            verify=str(folder / "certificate.pem"),
            timeout=60,
        )


def test_whom_the_proxy_knows_sees_the_calls_by_name_and_nobody_needs_the_token(
    tmp_path: Path,
) -> None:
    (tmp_path / "warehouse").mkdir()
    warehouse = warehouses.load(warehouses.settings_in(tmp_path / "warehouse"))
    folder, port = tmp_path / "nginx", free_port()
    folder.mkdir()
    with (
        Dashboard(
            warehouse,
            tmp_path,
            dashboard_url=f"https://localhost:{port}",
            dashboard_token=TOKEN,
            dashboard_user_header="X-Forwarded-User",
        ) as dashboard,
        started(
            nginx_of(folder, site(folder, port, dashboard.port)), folder, lambda: ask(folder, port)
        ),
    ):
        assert ask(folder, port).status_code == 401
        assert ask(folder, port, "another").status_code == 401
        known = ask(folder, port, PASSWORD, **{"X-Forwarded-User": "mallory"})
        with requests.Session() as session:
            session.trust_env = False
            past_it = session.get(
                f"http://127.0.0.1:{dashboard.port}/", headers={"X-Forwarded-User": "mallory"}
            )
    assert known.status_code == 200
    assert "Signed in as ada" in known.text
    assert "mallory" not in known.text
    assert TOKEN not in known.text
    assert "Signed in as" not in past_it.text
    assert past_it.status_code != 200
