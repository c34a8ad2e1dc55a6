"""A request that is not authenticated gets a 404 and stores nothing; a body is kept as it came."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.receiver.app import create_app
from fluents_connector.receiver.gateway import Gateway
from fluents_connector.settings import Settings
from tests.deliveries import TOKEN, Clock, body, whole

URL = f"/fluents/webhook/{TOKEN}"
LIMIT = 2048
GOOD = body("event_error", {"message": "no"})
SECRET = TOKEN[::-1]
SHARED = {"gateway_header": "X-Shared", "gateway_secret": SECRET}
SIGNED = {"hmac_header": "X-Sum", "hmac_secret": [SECRET]}
MakeClient = Callable[..., FlaskClient]


@pytest.fixture
def make_client(settings: Settings, buffer: SqliteBuffer, clock: Clock) -> MakeClient:
    def make(**changes: object) -> FlaskClient:
        changed = Settings(**settings.model_dump() | {"max_body_bytes": LIMIT} | changes)
        return create_app(changed, buffer, clock=clock).test_client()

    return make


def proof(settings: dict[str, object], content: bytes) -> dict[str, str]:
    return Gateway.of(Settings(**settings)).proof(content)


@pytest.mark.parametrize("asked", [SHARED, SIGNED, SHARED | SIGNED], ids=["shared", "HMAC", "both"])
def test_only_what_the_gateway_vouches_for_is_authenticated(
    make_client: MakeClient, buffer: SqliteBuffer, asked: dict[str, object]
) -> None:
    client = make_client(**asked)
    good = proof(asked, GOOD)
    missing = [{key: good[key] for key in good if key != left_out} for left_out in good]
    wrong = [good | {key: "x" * 24} for key in good]
    unknown = client.post("/nothing")
    for headers in (*missing, *wrong):
        for content in (GOOD, b"bad", b"x" * LIMIT * 2):
            refused = client.post(URL, data=content, headers=headers)
            assert (refused.status_code, refused.data) == (404, unknown.data)
    assert buffer.counts().received == 0
    assert client.post(URL, data=GOOD, headers=good).status_code == 200
    assert client.get("/healthz").status_code == 200


def test_the_signature_is_of_the_body_as_it_came(
    make_client: MakeClient, buffer: SqliteBuffer
) -> None:
    client = make_client(**SIGNED)
    packed = gzip.compress(GOOD)
    encoded = {"Content-Encoding": "gzip"}
    for signed, status in ((GOOD, 404), (packed, 200)):
        headers = encoded | proof(SIGNED, signed)
        assert client.post(URL, data=packed, headers=headers).status_code == status
    assert [row[6] for row in whole(buffer).rows] == [GOOD]


def test_a_body_that_is_too_large_to_be_checked_is_not_recorded(
    make_client: MakeClient, buffer: SqliteBuffer
) -> None:
    content = b"x" * (LIMIT + 1)
    client = make_client(**SIGNED)
    assert client.post(URL, data=content, headers=proof(SIGNED, content)).status_code == 404
    assert buffer.counts().received == 0


def test_a_compressed_event_is_stored_unpacked_and_equals_one_that_was_not(
    make_client: MakeClient, buffer: SqliteBuffer
) -> None:
    client = make_client()
    encoded = {"Content-Encoding": "gzip"}
    stored = client.post(URL, data=gzip.compress(GOOD), headers=encoded)
    assert stored.get_json()["status"] == "stored"
    assert client.post(URL, data=GOOD).get_json()["status"] == "duplicate"
    assert whole(buffer).rows[0][6] == GOOD


@pytest.mark.parametrize(
    ("content", "encoding", "status", "reason", "kept"),
    [
        (gzip.compress(b"x" * 10**7)[:LIMIT], "gzip", 413, "too_large", None),
        (GOOD, "gzip", 400, "broken_encoding", GOOD),
        (GOOD, "br", 415, "unknown_encoding", GOOD),
        (gzip.compress(b"bad"), "gzip", 400, "not_json", b"bad"),
    ],
    ids=["bomb", "not as it says", "unknown", "packed, but no event"],
)
def test_what_cannot_be_unpacked_is_kept_as_it_came(
    make_client: MakeClient,
    buffer: SqliteBuffer,
    content: bytes,
    encoding: str,
    status: int,
    reason: str,
    kept: bytes | None,
) -> None:
    answer = make_client().post(URL, data=content, headers={"Content-Encoding": encoding})
    assert (answer.status_code, answer.get_json()["error"]) == (status, reason)
    (refused,) = buffer.quarantined(9)
    assert (refused.reason, refused.body) == (reason, kept)


@pytest.mark.parametrize("forwarded", [None, "", "192.0.2.1", "198.51.100.1, 192.0.2.1"])
def test_the_address_of_a_proxy_opens_nothing(
    make_client: MakeClient, buffer: SqliteBuffer, forwarded: str | None
) -> None:
    """Two proxies are declared, but at most one has added an entry before the sender's."""
    networks = ["127.0.0.0/8", "192.0.2.1/32"]
    client = make_client(trusted_proxies=2, allowed_networks=networks, metrics_networks=networks)
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    assert client.post(URL, data=GOOD, headers=headers).status_code == 404
    assert client.get("/metrics", headers=headers).status_code == 404
    assert buffer.counts().received == 0


@pytest.mark.parametrize(
    "header", ["Forwarded", "Via", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"]
)
def test_a_proxy_that_nobody_declared_does_not_open_the_metrics(
    make_client: MakeClient, header: str
) -> None:
    client = make_client()
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", headers={header: "a"}).status_code == 404


def test_each_reason_is_counted_by_a_word_of_a_fixed_set(make_client: MakeClient) -> None:
    client = make_client(allowed_networks=["127.0.0.0/8"], **SHARED)
    shared = {"X-Shared": SECRET}
    client.post(f"{URL}x", data=GOOD)
    client.post(URL, data=GOOD)
    client.post(URL, data=GOOD, headers=shared, environ_base={"REMOTE_ADDR": "192.0.2.1"})
    client.post(URL, data=GOOD, headers=shared | {"Content-Encoding": "my-own-label"})
    client.open(URL, method="MY_OWN_METHOD")
    client.get("/my-own-path")
    page = client.get("/metrics").get_data(as_text=True)
    for reason in (
        "wrong_token",
        "wrong_gateway_secret",
        "outside_allowed_networks",
        "unknown_encoding",
        "method_not_allowed",
        "not_found",
    ):
        assert f'fluents_refusals_total{{reason="{reason}"}} 1.0' in page
    assert "own" not in page.lower().replace("unknown", "").replace("down", "")
