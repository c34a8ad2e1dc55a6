"""No secret is in any log, answer, metric, message or command line, whatever happens.

Every path is walked: each answer of the receiver, each command, wrong settings, both formats of
logs. Only `init` shows a URL, and the secrets of a gateway are shown by nothing.
"""

from __future__ import annotations

import gzip
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from fluents_connector.receiver.gateway import Gateway
from fluents_connector.settings import load_settings
from tests.deliveries import TOKEN, body
from tests.processes import Receiver, run_command, write_settings

SHARED, KEY = "shared-" + TOKEN[::-1], "key-" + TOKEN[::-1]
GOOD = body("event_error", "x")
LIMIT = 4096


def assert_no_secret(*texts: str | bytes) -> None:
    for text in texts:
        shown = text.decode("latin-1") if isinstance(text, bytes) else text
        for secret in (TOKEN, SHARED, KEY):
            # half of one is too much as well
            assert secret not in shown
            assert secret[: len(secret) // 2] not in shown
            assert secret[len(secret) // 2 :] not in shown


@pytest.fixture(params=["text", "json"])
def receiver(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Receiver]:
    settings = {
        "log_format": request.param,
        "max_body_bytes": LIMIT,
        "request_seconds": 0.5,
        "gateway_header": "X-Shared",
        "gateway_secret": SHARED,
        "hmac_header": "X-Sum",
        "hmac_secret": KEY,
    }
    with Receiver(tmp_path, **settings) as running:
        yield running


def answers(receiver: Receiver) -> Iterator[tuple[int, str]]:
    """The status and text of each answer that the receiver can give."""
    gateway = Gateway.of(load_settings(receiver.folder / "fluents.toml"))

    def send(
        content: bytes, path: str = "", method: str = "POST", **headers: str
    ) -> tuple[int, str]:
        proof = gateway.proof(content) | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        answer = requests.request(
            method, receiver.url + path, data=content, headers=proof, timeout=30
        )
        return answer.status_code, f"{answer.headers}{answer.text}"

    yield send(GOOD)
    yield send(GOOD)
    yield send(b"bad")
    yield send(b"\xff")
    yield send(gzip.compress(b"x" * LIMIT * 9), Content_Encoding="gzip")
    yield send(GOOD, Content_Encoding="gzip")
    yield send(GOOD, Content_Encoding=TOKEN[:4])
    yield send(b"x" * LIMIT * 9)
    yield send(GOOD, X_Shared="x")
    yield send(GOOD, X_Sum="x")
    yield send(GOOD, X_Sum=KEY[:4])
    for path in ("/", "/x", "x", "?a=b", "//", "%00", "/../x"):
        yield send(GOOD, path)
    for method in ("GET", "HEAD", "PUT", "OPTIONS", "PROPFIND"):
        yield send(GOOD, method=method)
    for start in (
        f"GARBAGE {TOKEN}\r\n\r\n",
        f"POST /{TOKEN} HTTP/9.9\r\n\r\n",
        f"POST /fluents/webhook/{TOKEN} HTTP/1.1\r\nHost: a\r\nX-Shared: {SHARED}\r\n"
        "Content-Length: 9\r\n\r\n",
        f"GET /{TOKEN} HTTP/1.1\r\nX-Shared: {SHARED}\r\nBad Header\r\n\r\n",
        f"GET /{'x' * 1_000_000}{TOKEN} HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", receiver.port), timeout=30) as connection:
            try:
                connection.sendall(start.encode())
                said = connection.recv(65536).decode()
            except ConnectionError:
                continue  # it did not read to the end
            yield int(said.split(" ")[1]), said


def test_a_receiver_shows_no_secret_whatever_is_sent(receiver: Receiver) -> None:
    given = list(answers(receiver))
    assert {status for status, _ in given} >= {200, 400, 404, 405, 408, 413, 415}
    assert_no_secret(*(text for _, text in given))
    assert_no_secret(requests.get(f"{receiver.base}/metrics", timeout=30).text)
    parent = psutil.Process(receiver.process.pid)
    for process in (parent, *parent.children(recursive=True)):
        assert_no_secret(" ".join(process.cmdline()), process.name())
    (receiver.folder / ".fluents" / "buffer.sqlite").unlink()
    lost = requests.post(
        receiver.url,
        data=GOOD,
        headers=Gateway.of(load_settings(receiver.folder / "fluents.toml")).proof(GOOD),
        timeout=30,
    )
    assert lost.status_code == 503
    assert receiver.stop() == 0
    log = receiver.log.read_text()
    assert "buffer_unavailable" in log
    assert_no_secret(lost.text, log)


COMMANDS = (
    ["--help"],
    ["serve", "--help"],
    ["status"],
    ["status", "--json"],
    ["quarantine", "list"],
    ["quarantine", "show", "0"],
    ["load"],
    ["models"],
    ["query", "select 1"],
    ["query", "select nothing"],
    ["send", "body.json"],
    ["send", "body.json", "--url", f"http://127.0.0.1:9/fluents/webhook/{TOKEN}"],
    ["send", "body.json", "--webhook", "none"],
    ["no-such-command"],
    ["alerts", "--post", "--fail-if", "warning"],
    ["status", "--fail-if", "critical"],
)


@pytest.mark.attack
def test_no_command_but_init_shows_a_secret(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:9/services/{KEY}"
    secrets = {"gateway_secret": SHARED, "hmac_secret": KEY, "alerts_url": url}
    write_settings(tmp_path, port=9, gateway_header="X-Shared", hmac_header="X-Sum", **secrets)
    (tmp_path / "body.json").write_bytes(GOOD)
    for command in COMMANDS:
        ended = run_command(tmp_path, *command)
        assert ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr
        assert_no_secret(ended.stdout, ended.stderr)
    shown = run_command(tmp_path, "init").stdout
    assert TOKEN in shown
    assert_no_secret(shown.replace(TOKEN, ""))


WRONG = {
    "unknown key": f'nothing = "{TOKEN}"',
    "token for a number": f'port = "{TOKEN}"',
    "token for a network": f'allowed_networks = ["{TOKEN}"]',
    "weak secret": f'hmac_header = "X-A"\nhmac_secret = "{KEY} "',
    "secret without its header": f'gateway_secret = "{SHARED}"',
    "secret for the header": f'gateway_header = "{SHARED}="',
    "token for a level of logs": f'log_format = "{TOKEN}"',
    "url of findings": f'alerts_url = "ftp://x/{TOKEN}"',
    "port of the url of findings": f'alerts_url = "https://x:{TOKEN}/"',
    "limit of an alert": f'[alerts]\nlag = "{TOKEN}"',
    "cut string": f'[webhooks]\nmain = "{TOKEN}',
    "no quotes": f"[webhooks]\nmain = {TOKEN}",
    "a table for a token": f'[webhooks.main]\n"{TOKEN}" = 1',
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_wrong_settings_are_named_without_the_secret(text: str, tmp_path: Path) -> None:
    (tmp_path / "fluents.toml").write_text(text)
    for command in ("serve", "status"):
        ended = run_command(tmp_path, command)
        assert ended.returncode == 1
        assert ended.stderr.startswith("Error: ")
        assert_no_secret(ended.stdout, ended.stderr)


CRASH = """
import sys
from pathlib import Path
from fluents_connector.receiver.gateway import Gateway
from fluents_connector.logs import configure_logs
from fluents_connector.settings import load_settings
import structlog
settings = load_settings(Path(sys.argv[1]))
gateway = Gateway.of(settings)
configure_logs(sys.argv[2])
try:
    gateway.signed(None, b"")  # fails where the secrets are
except TypeError:
    structlog.get_logger().exception("crash", settings=settings, gateway=vars(gateway))
gateway.knows(None)
"""


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_traceback_shows_no_secret(log_format: str, tmp_path: Path) -> None:
    url = f"https://x/{KEY}"
    secrets = {"gateway_secret": SHARED, "hmac_secret": KEY, "alerts_url": url}
    config = write_settings(tmp_path, gateway_header="X-A", hmac_header="X-B", **secrets)
    ended = subprocess.run(
        [sys.executable, "-c", CRASH, config, log_format],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.count("Traceback") >= 2
    assert "gateway_secret" in ended.stderr
    assert_no_secret(ended.stdout, ended.stderr)
