"""A gateway's shared header and signature authenticate what they should and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from werkzeug.datastructures import Headers

from fluents_connector.receiver.gateway import Gateway

NEW, OLD = "new/0123456789+abcdefghijkl=", "old/0123456789+abcdefghijkl="
SECRETS = [SecretStr(NEW), SecretStr(OLD)]
GATEWAY = Gateway(header="X-Shared", secrets=SECRETS, hmac_header="X-Sum", hmac_secrets=SECRETS)
BODY = b'{"call_id":"c","type":"t"}'
DIGEST = hmac.new(NEW.encode(), BODY, hashlib.sha256).digest()


def test_a_header_that_is_not_set_is_not_required() -> None:
    assert Gateway().knows(Headers().get)
    assert Gateway().signed(Headers().get, BODY)
    assert Gateway().proof(BODY) == {}


@pytest.mark.parametrize("secret", [NEW, OLD], ids=["new", "old"])
def test_either_secret_is_known(secret: str) -> None:
    assert GATEWAY.knows(Headers({"x-shared": secret}).get)


@pytest.mark.parametrize(
    "value", [None, "", NEW[:-1], NEW + "x", NEW.upper(), f"{NEW},{NEW}", "é", "\U0001f600"]
)
def test_any_other_value_is_not_known(value: str | None) -> None:
    assert not GATEWAY.knows(Headers({} if value is None else {"X-Shared": value}).get)
    assert not GATEWAY.knows(Headers({"X-Sum": NEW}).get)


SIGNATURES = {
    "hexadecimal": DIGEST.hex(),
    "upper case": DIGEST.hex().upper(),
    "base64": base64.b64encode(DIGEST).decode(),
    "with the old secret": hmac.new(OLD.encode(), BODY, hashlib.sha256).hexdigest(),
    "spaces around": f" {DIGEST.hex()} ",
}


@pytest.mark.parametrize("prefix", ["", "sha256="], ids=["bare", "prefixed"])
@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES)
def test_a_signature_may_be_written_in_several_ways(signature: str, prefix: str) -> None:
    assert GATEWAY.signed(Headers({"X-Sum": prefix + signature.strip()}).get, BODY)


FORGED = {
    "none": None,
    "empty": "",
    "prefix alone": "sha256=",
    "of another body": hmac.new(NEW.encode(), b"{}", hashlib.sha256).hexdigest(),
    "with another secret": hmac.new(b"x", BODY, hashlib.sha256).hexdigest(),
    "without a secret": hashlib.sha256(BODY).hexdigest(),
    "SHA-1": "sha1=" + hmac.new(NEW.encode(), BODY, hashlib.sha1).hexdigest(),
    "cut short": DIGEST.hex()[:-2],
    "half of it": base64.b64encode(DIGEST[:16]).decode(),
    "two": f"{DIGEST.hex()},{DIGEST.hex()}",
    "two prefixes": f"sha256=sha256={DIGEST.hex()}",
    "wide digits": DIGEST.hex().translate(str.maketrans("0123456789", "０１２３４５６７８９")),  # noqa: RUF001 # that is the point
    "the secret": NEW,
}


@pytest.mark.parametrize("signature", FORGED.values(), ids=FORGED)
def test_any_other_signature_is_refused(signature: str | None) -> None:
    headers = Headers({} if signature is None else {"X-Sum": signature})
    assert not GATEWAY.signed(headers.get, BODY)


@given(st.text(), st.binary())
def test_any_text_may_be_a_header(value: str, body: bytes) -> None:
    value = value.replace("\r", "").replace("\n", "")
    assert not GATEWAY.knows(Headers({"X-Shared": value}).get)
    assert not GATEWAY.signed(Headers({"X-Sum": value}).get, body)


@given(st.binary())
def test_the_headers_made_for_a_body_authenticate_it(body: bytes) -> None:
    headers = Headers(GATEWAY.proof(body))
    assert GATEWAY.knows(headers.get)
    assert GATEWAY.signed(headers.get, body)


def test_no_secret_is_in_what_a_debugger_shows() -> None:
    assert NEW not in f"{vars(GATEWAY)} {GATEWAY!r}"
