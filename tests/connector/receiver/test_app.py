"""The HTTP contract, row by row, on a real buffer."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.delivery import new_event_id
from fluents_connector.loader_state import LoadReport, loader_state
from fluents_connector.receiver.app import create_app
from fluents_connector.settings import Settings
from tests.deliveries import START, TOKEN, Clock, body, whole

URL = f"/fluents/webhook/{TOKEN}"
LIMIT = 2048
GOOD = body("event_error", {"message": "no"})
MakeClient = Callable[..., FlaskClient]


@pytest.fixture
def make_client(settings: Settings, buffer: SqliteBuffer, clock: Clock) -> MakeClient:
    """Makes a client of a receiver on `buffer`, with settings changed."""

    def make(**changes: object) -> FlaskClient:
        changed = Settings(**settings.model_dump() | {"max_body_bytes": LIMIT} | changes)
        bits = count(1)
        app = create_app(changed, buffer, clock=clock, random_bits=lambda _: next(bits))
        return app.test_client()

    return make


@pytest.fixture
def client(make_client: MakeClient) -> FlaskClient:
    return make_client()


def problem(response: TestResponse) -> str:
    """The word of an error, whose shape is the same for all."""
    assert response.content_type == "application/json"
    answer = response.get_json()
    assert set(answer) == {"error", "detail"}
    assert re.fullmatch(r"[a-z0-9_]+", answer["error"])
    assert answer["detail"].endswith(".")
    assert TOKEN not in response.get_data(as_text=True) + str(response.headers)
    return str(answer["error"])


def test_a_good_event_is_stored_and_named(client: FlaskClient, buffer: SqliteBuffer) -> None:
    response = client.post(URL, data=GOOD)
    event_id = new_event_id(START, 1)
    assert response.status_code == 200
    assert response.get_json() == {"status": "stored", "event_id": event_id}
    assert whole(buffer).rows == [
        (1, event_id, START, "main", "call-1", "event_error", GOOD, None, None, None, 0)
    ]


def test_a_duplicate_answers_200_and_names_the_first(client: FlaskClient) -> None:
    first = client.post(URL, data=GOOD).get_json()["event_id"]
    again = client.post(URL, data=GOOD)
    assert again.status_code == 200
    answer = again.get_json()
    assert (answer["status"], answer["duplicate_of"]) == ("duplicate", first)
    assert answer["event_id"] > first


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"", "not_json", id="empty"),
        pytest.param(b"{", "not_json", id="not JSON"),
        pytest.param(b"\xff", "not_utf8", id="not UTF-8"),
        pytest.param(gzip.compress(GOOD), "not_utf8", id="compressed"),
        pytest.param(b"[]", "not_an_object", id="list"),
        pytest.param(b'{"type":"a"}', "call_id_missing", id="no call_id"),
        pytest.param(b'{"call_id":"a","type":1}', "type_not_text", id="type not text"),
        pytest.param(b'{"call_id":"a","type":' + b"[" * 1500, "too_deep", id="deep"),
    ],
)
def test_what_is_no_event_answers_400_and_is_kept_verbatim(
    client: FlaskClient, buffer: SqliteBuffer, content: bytes, error: str
) -> None:
    response = client.post(URL, data=content)
    assert response.status_code == 400
    assert problem(response) == error
    (refused,) = buffer.quarantined(9)
    assert (refused.body, refused.reason, refused.webhook) == (content, error, "main")
    assert refused.event_id in response.get_json()["detail"]


@pytest.mark.parametrize(
    "content",
    [
        body("event_of_tomorrow", [1]),
        body("event_error", "odd", agent={"a": 1}),
        b'{"call_id":"a","type":"event_error"}',
    ],
    ids=["unknown type", "unknown fields", "missing fields"],
)
def test_unknown_is_not_wrong(client: FlaskClient, content: bytes) -> None:
    assert client.post(URL, data=content).get_json()["status"] == "stored"


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "application/json",
        "text/plain; charset=utf-16",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=a",
        "multipart/form-data",
        "é",
    ],
)
def test_any_content_type_is_taken(
    client: FlaskClient, buffer: SqliteBuffer, content_type: str | None
) -> None:
    assert client.post(URL, data=GOOD, content_type=content_type).status_code == 200
    assert whole(buffer).rows[0][6] == GOOD


def sized(size: int) -> bytes:
    """An event of `size` bytes."""
    return body("event_error", "x" * (size - len(body("event_error", ""))))


def test_a_body_over_the_limit_answers_413_and_is_recorded_without_it(
    client: FlaskClient, buffer: SqliteBuffer
) -> None:
    fits = sized(LIMIT)
    assert len(fits) == LIMIT
    assert client.post(URL, data=fits).status_code == 200
    for size in (LIMIT + 1, LIMIT + 2, LIMIT * 100):
        response = client.post(URL, data=sized(size))
        assert response.status_code == 413
        assert problem(response) == "too_large"
    refused = buffer.quarantined(9)
    assert [(row.reason, row.body) for row in refused] == [("too_large", None)] * 3


def test_a_request_that_is_not_authenticated_gets_the_same_404_and_stores_nothing(
    make_client: MakeClient, buffer: SqliteBuffer
) -> None:
    client, closed = make_client(), make_client(allowed_networks=["203.0.113.0/24"])
    answers = [
        client.post(path, data=GOOD)
        for path in (
            f"{URL}x",
            URL[:-1],
            f"{URL}//",
            f"{URL}/more",
            f"/fluents//webhook/{TOKEN}",
            "/fluents/webhook/%00",
            "/fluents/webhook/é",
            "/fluents/webhook/",
            "/fluents",
            "/",
            "/favicon.ico",
        )
    ]
    answers += [closed.post(URL, data=GOOD), client.get("/nothing")]
    answers.append(client.post(f"{URL}x", data=b"x" * LIMIT * 2))
    assert {(answer.status_code, answer.data, str(answer.headers)) for answer in answers} == {
        (404, answers[0].data, str(answers[0].headers))
    }
    assert problem(answers[0]) == "not_found"
    assert buffer.counts().received == 0


def test_a_sender_within_the_allowed_networks_may_deliver(make_client: MakeClient) -> None:
    client = make_client(allowed_networks=["203.0.113.0/24"])
    sender = {"REMOTE_ADDR": "203.0.113.9"}
    assert client.post(URL, data=GOOD, environ_base=sender).status_code == 200


@pytest.mark.parametrize("token", [TOKEN, "wrong"], ids=["right token", "wrong token"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_a_wrong_method_answers_405_with_the_right_one(
    client: FlaskClient, buffer: SqliteBuffer, method: str, token: str
) -> None:
    response = client.open(f"/fluents/webhook/{token}", method=method, data=GOOD)
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    assert problem(response) == "method_not_allowed"
    assert buffer.counts().received == 0


def test_the_entry_of_the_declared_proxy_is_believed(make_client: MakeClient) -> None:
    client = make_client(trusted_proxies=1, allowed_networks=["203.0.113.0/24"])

    def status(forwarded: str) -> int:
        return client.post(URL, data=GOOD, headers={"X-Forwarded-For": forwarded}).status_code

    assert status("203.0.113.9") == 200
    assert status("192.0.2.1, 203.0.113.9") == 200  # right-most: what our proxy saw
    assert status("203.0.113.9, 192.0.2.1") == 404  # what the sender wrote itself
    assert status("203.0.113.9, rubbish") == 404


def test_an_undeclared_proxys_entry_is_not_believed(make_client: MakeClient) -> None:
    client = make_client(allowed_networks=["203.0.113.0/24"])
    forged = {"X-Forwarded-For": "203.0.113.9"}
    assert client.post(URL, data=GOOD, headers=forged).status_code == 404


def test_each_webhook_has_tokens_of_its_own(make_client: MakeClient, buffer: SqliteBuffer) -> None:
    new, old = "new-" + TOKEN, "old-" + TOKEN
    client = make_client(webhooks={"main": [TOKEN], "staging": [new, old]})
    for number, token in enumerate((TOKEN, new, old)):
        assert client.post(f"/fluents/webhook/{token}", data=body("t", number)).status_code == 200
    assert [row[3] for row in whole(buffer).rows] == ["main", "staging", "staging"]


def test_a_buffer_that_cannot_store_answers_503_and_says_when_to_come_again(
    client: FlaskClient, buffer: SqliteBuffer
) -> None:
    buffer.close()
    for response in (client.post(URL, data=GOOD), client.get("/readyz"), client.get("/metrics")):
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        assert problem(response) == "unavailable"
    assert client.get("/healthz").status_code == 200


def test_health_and_readiness_need_no_token(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "alive"}
    assert client.get("/readyz").get_json() == {"status": "ready"}
    response = client.post("/healthz")
    assert response.status_code == 405
    assert problem(response) == "method_not_allowed"


def test_metrics_show_what_the_buffer_counts_and_the_answers(client: FlaskClient) -> None:
    for content in (GOOD, GOOD, b"bad"):
        client.post(URL, data=content)
    client.post("/fluents/webhook/wrong", data=GOOD)
    lines = client.get("/metrics").get_data(as_text=True).splitlines()
    for line in (
        "fluents_received_total 3.0",
        "fluents_duplicates_total 1.0",
        "fluents_quarantined_total 1.0",
        "fluents_loaded_total 0.0",
        "fluents_pending 1.0",
        'fluents_responses_total{status="200"} 2.0',
        'fluents_responses_total{status="404"} 1.0',
        'fluents_refusals_total{reason="not_json"} 1.0',
        'fluents_refusals_total{reason="wrong_token"} 1.0',
        "fluents_append_seconds_count 3.0",
        "fluents_requests_total 4.0",
        "fluents_acknowledged_total 2.0",
    ):
        assert line in lines
    assert not any("last_load" in line for line in lines)


def test_metrics_show_what_the_last_load_did(client: FlaskClient, settings: Settings) -> None:
    def shown() -> dict[str, float]:
        lines = client.get("/metrics").get_data(as_text=True).splitlines()
        named = [line.split(" ") for line in lines if line.startswith("fluents_last_load_")]
        return {name.removeprefix("fluents_last_load_"): float(value) for name, value in named}

    report = LoadReport(1000.0, 1002.5, 7, succeeded=True, error=None)
    loader_state(settings).write_report(report)
    numbers = {"timestamp_seconds": 1002.5, "success": 1, "deliveries": 7, "seconds": 2.5}
    assert shown() == numbers
    loader_state(settings).write_report(
        replace(report, succeeded=False, error="its text is no label")
    )
    assert shown() == numbers | {"success": 0}
    for waits in ("no room", None):
        loader_state(settings).write_report(replace(report, publish_waits=waits))
        page = client.get("/metrics").get_data(as_text=True)
        assert f"fluents_publish_waits {float(waits is not None)}\n" in page
    (settings.data_dir / "last_load.json").write_text("half of i")
    assert shown() == {}


@pytest.mark.parametrize(
    ("changes", "address", "forwarded", "status"),
    [
        pytest.param({}, "127.0.0.1", None, 200, id="loopback"),
        pytest.param({}, "::1", None, 200, id="IPv6 loopback"),
        pytest.param({}, "192.0.2.1", None, 404, id="elsewhere"),
        pytest.param({}, "127.0.0.1", "127.0.0.1", 404, id="undeclared proxy"),
        pytest.param({"trusted_proxies": 1}, "127.0.0.1", "192.0.2.1", 404, id="through a proxy"),
        pytest.param({"trusted_proxies": 1}, "127.0.0.1", None, 404, id="beside the proxy"),
        pytest.param({"metrics_networks": ["192.0.2.0/24"]}, "192.0.2.1", None, 200, id="allowed"),
        pytest.param({"metrics_networks": []}, "127.0.0.1", None, 404, id="nobody"),
    ],
)
def test_metrics_are_for_allowed_networks_only(
    make_client: MakeClient,
    changes: dict[str, object],
    address: str,
    forwarded: str | None,
    status: int,
) -> None:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    response = make_client(**changes).get(
        "/metrics", headers=headers, environ_base={"REMOTE_ADDR": address}
    )
    assert response.status_code == status
