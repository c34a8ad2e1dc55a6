"""Any body with any headers gets an answer of the contract, and is accounted for."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as with_settings
from hypothesis import strategies as st

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.receiver.app import create_app
from fluents_connector.settings import Settings
from tests.attacks.hostile.inputs import METHODS, NAMES, WORDS
from tests.deliveries import TOKEN

pytestmark = pytest.mark.attack

URL = f"/fluents/webhook/{TOKEN}"
ANSWERS = {200, 400, 404, 405, 413, 415}

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
)
events = st.fixed_dictionaries(
    {"call_id": st.text() | values, "type": st.text() | values}, optional={"payload": values}
)
bodies = (
    st.binary()
    | events.map(lambda event: json.dumps(event).encode())
    | st.sampled_from(
        [b"[" * 3000, b'"' + b"{" * 3000 + b'"', b"9" * 3000, b'{"call_id":"c","type":"t"}']
    )
)
header_values = st.sampled_from(WORDS) | st.text(
    st.characters(min_codepoint=32, max_codepoint=255), max_size=30
)
# Content-Length is the server's: a client of HTTP cannot send another than the body has.
names = st.sampled_from([name for name in NAMES if name not in ("Content-Length", "Host")])
headers = st.dictionaries(names, header_values, max_size=4)


@pytest.fixture
def client(settings: Settings, buffer: SqliteBuffer) -> Iterator[FlaskClient]:
    changed = settings.model_copy(update={"max_body_bytes": 2048, "trusted_proxies": 1})
    with create_app(changed, buffer).test_client() as client:
        yield client


@with_settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=bodies, headers=headers, method=st.sampled_from(["POST"] * 6 + list(METHODS)))
def test_any_request_has_an_answer_of_the_contract(
    client: FlaskClient,
    buffer: SqliteBuffer,
    content: bytes,
    headers: dict[str, str],
    method: str,
) -> None:
    before = buffer.counts().received
    answer = client.open(URL, method=method, data=content, headers=headers)
    assert answer.status_code in ANSWERS
    kept = answer.status_code in (200, 400, 413, 415)
    assert buffer.counts().received == before + kept
    if method != "HEAD":
        assert set(answer.get_json()) >= ({"event_id"} if answer.status_code == 200 else {"detail"})


@given(path=st.text(max_size=60))
@with_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_other_path_has_the_same_404(client: FlaskClient, path: str) -> None:
    answer = client.post("/" + path.lstrip("/?#").replace("\r", "").replace("\n", ""))
    assert answer.status_code in (404, 405)
