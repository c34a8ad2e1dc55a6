"""Checks before the start that the receiver can listen as the settings say."""

from __future__ import annotations

import socket
import ssl

from fluents_connector.errors import SettingsError
from fluents_connector.settings import Settings

SET_HOST_AND_PORT = "set host and port in fluents.toml"


def check_can_listen(settings: Settings) -> None:
    """Raises `SettingsError` if the certificate cannot be used or the port is in use."""
    _check_certificate(settings)
    claim_port(settings.host, settings.port)


def claim_port(host: str, port: int, advice: str = SET_HOST_AND_PORT) -> None:
    """Raises `SettingsError`, which ends with the `advice`, if the port cannot be listened on."""
    # granian's workers share the port, and would share it with another program as well.
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {host}:{port}: {error.strerror}. Stop what listens there, or "
            f"{advice}."
        ) from error


def _check_certificate(settings: Settings) -> None:
    if settings.tls_certificate is None or settings.tls_key is None:
        return
    files = settings.tls_certificate, settings.tls_key
    try:
        # a given password, as OpenSSL would ask for one on the terminal
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*files, password="")
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(
            f"The certificate {files[0]} with the key {files[1]} cannot be used: "
            f"{error.strerror or error}. Set tls_certificate and tls_key to PEM files that belong "
            "together, with a key that has no password."
        ) from error
