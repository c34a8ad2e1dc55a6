"""The receiver ends TLS itself where two settings say so."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from tests.certificates import lock_key, make_certificate
from tests.deliveries import TOKEN, body
from tests.processes import Receiver, free_port, run_command, write_settings


def test_an_event_comes_in_over_tls_and_not_without(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    with Receiver(tmp_path, tls_certificate=certificate, tls_key=key) as receiver:
        assert receiver.post(body("event_error")).json()["status"] == "stored"
        assert f"https://127.0.0.1:{receiver.port}" in receiver.log.read_text()
        with socket.create_connection(("127.0.0.1", receiver.port), timeout=30) as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"200" not in plain.recv(4096)
        assert receiver.post(body("event_error")).json()["status"] == "duplicate"
        printed = run_command(tmp_path, "init").stdout
        assert f"https://127.0.0.1:{receiver.port}/fluents/webhook/{TOKEN}" in printed


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_current_versions_of_tls_are_spoken(tmp_path: Path, version: ssl.TLSVersion) -> None:
    certificate, key = make_certificate(tmp_path)
    with Receiver(tmp_path, workers=1, tls_certificate=certificate, tls_key=key) as receiver:
        context = ssl.create_default_context(cafile=certificate)
        context.minimum_version = context.maximum_version = version
        with (
            socket.create_connection(("127.0.0.1", receiver.port), timeout=30) as connection,
            context.wrap_socket(connection, server_hostname="localhost") as secured,
        ):
            assert secured.version() == {771: "TLSv1.2", 772: "TLSv1.3"}[version]


@pytest.mark.parametrize("wrong", ["missing", "no certificate", "another key", "password"])
def test_a_certificate_that_cannot_be_used_is_said_at_the_start(tmp_path: Path, wrong: str) -> None:
    certificate, key = make_certificate(tmp_path)
    if wrong == "missing":
        Path(certificate).unlink()
    elif wrong == "no certificate":
        Path(certificate).write_text("text")
    elif wrong == "another key":
        (tmp_path / "other").mkdir()
        key = make_certificate(tmp_path / "other")[1]
    else:
        lock_key(key)
    write_settings(tmp_path, port=free_port(), tls_certificate=certificate, tls_key=key)
    ended = run_command(tmp_path, "serve")
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: The certificate ")
    assert "tls_certificate and tls_key" in ended.stderr
    assert "Traceback" not in ended.stderr
