"""Where a gateway gives each event an id, that says what is a duplicate, and the body does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from flask.testing import FlaskClient

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.buffer.sqlite.check import check_buffer
from fluents_connector.receiver.app import create_app
from fluents_connector.settings import Settings
from tests.deliveries import TOKEN, Clock, body, whole

OTHER = TOKEN[::-1]
GOOD = body("event_error", "x")
MESSAGE = body("event_message", {"text": "yes"})
SECRET = body("event_error", {"password": "a-password-of-mine"})


@pytest.fixture
def client(settings: Settings, buffer: SqliteBuffer, clock: Clock) -> Iterator[FlaskClient]:
    webhooks = Settings(webhooks={"main": TOKEN, "other": OTHER}).webhooks
    changed = settings.model_copy(update={"id_header": "webhook-id", "webhooks": webhooks})
    with create_app(changed, buffer, clock=clock).test_client() as client:
        yield client


def post(client: FlaskClient, content: bytes, given: str | None, token: str = TOKEN) -> str:
    headers = {} if given is None else {"Webhook-Id": given}
    answer = client.post(f"/fluents/webhook/{token}", data=content, headers=headers)
    return str(answer.get_json()["status"])


@pytest.mark.parametrize("content", [GOOD, MESSAGE, SECRET], ids=["error", "message", "redacted"])
def test_an_id_that_came_before_is_the_duplicate_and_an_equal_body_is_not(
    client: FlaskClient, buffer: SqliteBuffer, content: bytes
) -> None:
    assert post(client, content, "msg_1") == "stored"
    assert post(client, content, "msg_1") == "duplicate"
    assert post(client, content, "msg_2") == "stored"
    assert post(client, body("event_error", "another body"), "msg_1") == "duplicate"
    assert buffer.counts().received == 4
    assert buffer.counts().duplicates == 2


def test_ids_are_of_a_webhook(client: FlaskClient) -> None:
    assert post(client, GOOD, "1") == "stored"
    assert post(client, GOOD, "1", OTHER) == "stored"
    assert post(client, GOOD, "1", OTHER) == "duplicate"


@pytest.mark.parametrize("given", [None, ""], ids=["missing", "empty"])
def test_without_an_id_the_body_decides(client: FlaskClient, given: str | None) -> None:
    assert post(client, GOOD, given) == "stored"
    assert post(client, GOOD, given) == "duplicate"
    assert post(client, MESSAGE, given) == "stored"
    assert post(client, MESSAGE, given) == "stored"


def test_an_id_that_spells_a_body_is_no_duplicate_of_it(client: FlaskClient) -> None:
    assert post(client, GOOD, None) == "stored"
    assert post(client, GOOD, GOOD.decode()) == "stored"


def test_a_refused_body_may_come_again_with_its_id(client: FlaskClient) -> None:
    headers = {"webhook-id": "1"}
    refused = client.post(f"/fluents/webhook/{TOKEN}", data=b"bad", headers=headers)
    assert refused.status_code == 400
    assert post(client, GOOD, "1") == "stored"


def test_the_check_of_a_buffer_knows_ids_and_finds_a_changed_body(
    client: FlaskClient, buffer: SqliteBuffer, settings: Settings
) -> None:
    for content, given in ((GOOD, "1"), (GOOD, "1"), (MESSAGE, "2"), (SECRET, "3"), (GOOD, "4")):
        post(client, content, given)
    assert [finding for finding in check_buffer(settings.buffer_file) if not finding.is_right] == []
    assert buffer.changed() == []
    first = whole(buffer).rows[0][1]
    with closing(SqliteBuffer(settings.buffer_file)) as other, other._file.writing() as connection:
        connection.execute("update deliveries set body = ? where position = 1", (MESSAGE,))
    assert buffer.changed() == [first]
