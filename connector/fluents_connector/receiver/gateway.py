"""Authenticates the gateway that a request came through: by a shared header, by a signature.

Both are optional, and required beside the secret URL. Secrets are compared in constant time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence

from pydantic import SecretStr

from fluents_connector.settings import Settings

Header = Callable[[str], str | None]  # a header's value by its name; None where there is none

_HEX = re.compile(r"[0-9a-fA-F]{64}")


class Gateway:
    """Checks the headers that a gateway adds; one that the settings do not name is not required."""

    def __init__(
        self,
        *,
        header: str = "",
        secrets: Sequence[SecretStr] = (),
        hmac_header: str = "",
        hmac_secrets: Sequence[SecretStr] = (),
    ) -> None:
        self._header = header
        self._secrets = secrets  # as SecretStr, whose values no traceback shows
        self._hmac_header = hmac_header
        self._hmac_secrets = hmac_secrets

    @classmethod
    def of(cls, settings: Settings) -> Gateway:
        """The gateway that the settings describe."""
        return cls(
            header=settings.gateway_header,
            secrets=settings.gateway_secret,
            hmac_header=settings.hmac_header,
            hmac_secrets=settings.hmac_secret,
        )

    @property
    def signs(self) -> bool:
        """Whether bodies must be signed."""
        return bool(self._hmac_header)

    def knows(self, header: Header) -> bool:
        """Whether the shared header holds a secret. Compares with every secret, found or not."""
        # WSGI gives the bytes of a header as Latin-1.
        asked = digest((header(self._header) or "").encode("latin-1", "replace"))
        known = not self._header
        for secret in self._secrets:
            known |= hmac.compare_digest(digest(_encoded(secret)), asked)
        return known

    def signed(self, header: Header, body: bytes) -> bool:
        """Whether the signature is the HMAC-SHA256 of `body`, the body as it came.

        It may be hexadecimal or base64, with or without `sha256=` before it.
        """
        asked = _signature(header(self._hmac_header) or "")
        good = not self.signs
        for secret in self._hmac_secrets:
            good |= hmac.compare_digest(hmac.digest(_encoded(secret), body, "sha256"), asked)
        return good

    def proof(self, body: bytes) -> dict[str, str]:
        """The headers that authenticate `body`, made with the newest secrets."""
        headers = {}
        if self._header:
            headers[self._header] = self._secrets[0].get_secret_value()
        if self._hmac_header:
            signature = hmac.digest(_encoded(self._hmac_secrets[0]), body, "sha256")
            headers[self._hmac_header] = f"sha256={signature.hex()}"
        return headers


def _signature(text: str) -> bytes:
    """The bytes of a signature; no bytes for any other text."""
    text = text.strip().removeprefix("sha256=")
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def digest(secret: bytes) -> bytes:
    """What to compare in place of a secret: digests have one length, which reveals nothing."""
    return hashlib.sha256(secret).digest()


def _encoded(secret: SecretStr) -> bytes:
    return secret.get_secret_value().encode("ascii")
