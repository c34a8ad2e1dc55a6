"""A self-signed certificate for this machine, made by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests import needs


def make_certificate(folder: Path) -> tuple[str, str]:
    """The files of a certificate for localhost and 127.0.0.1, and of its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = [
        needs.program("openssl"),
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-noenc",
        "-days",
        "2",
    ]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return str(certificate), str(key)


def lock_key(key: str) -> None:
    """Encrypts a key with a password."""
    command = [
        "openssl",
        "pkey",
        "-aes256",
        "-passout",
        "pass:four",
        "-in",
        key,
        "-out",
        f"{key}.locked",
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    Path(f"{key}.locked").replace(key)
