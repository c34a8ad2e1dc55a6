"""The types of settings that are secrets: long, random, and never shown."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from fluents_connector.settings.strength import weakness

MIN_TOKEN_LENGTH = 24  # of base64url: 144 bits when `init` made it, and too long to guess

_MAKE_ONE = 'make one with: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'


def _strong(secret: SecretStr) -> SecretStr:
    if why := weakness(secret.get_secret_value()):
        raise ValueError(f"a secret that {why} can be guessed; {_MAKE_ONE}")
    return secret


def _for_urls(token: SecretStr) -> SecretStr:
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{{MIN_TOKEN_LENGTH},}}", token.get_secret_value()):
        raise ValueError(
            f"a token needs at least {MIN_TOKEN_LENGTH} of the characters A-Z a-z 0-9 - _; "
            f"{_MAKE_ONE}"
        )
    return token


def _for_headers(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(rf"[!-~]{{{MIN_TOKEN_LENGTH},}}", secret.get_secret_value()):
        raise ValueError(
            f"a secret needs at least {MIN_TOKEN_LENGTH} visible ASCII characters; {_MAKE_ONE}"
        )
    return secret


def _to_post_to(address: SecretStr) -> SecretStr:
    url = address.get_secret_value()
    try:
        parts = urlsplit(url)
        is_one = bool(parts.scheme in ("http", "https") and parts.hostname) and parts.port != 0
    except ValueError:  # its text quotes the URL
        is_one = False
    if not is_one or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("write a URL that begins with https://, or with http://")
    return address


def _as_list(value: Any) -> Any:
    # An environment variable that is all digits arrives as the number that JSON makes of it.
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return [value] if isinstance(value, str) else value


def _from_environment(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError("a list must be JSON") from None
    return _as_list(value)


Token = Annotated[SecretStr, AfterValidator(_for_urls), AfterValidator(_strong)]
Tokens = Annotated[
    list[Token],
    BeforeValidator(_as_list),
    Field(min_length=1, max_length=2),
]
Secrets = Annotated[
    list[Annotated[SecretStr, AfterValidator(_for_headers), AfterValidator(_strong)]],
    BeforeValidator(_from_environment),
    Field(max_length=2),
]
SecretUrl = Annotated[SecretStr, AfterValidator(_to_post_to)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]*$")]  # a server drops headers with _
