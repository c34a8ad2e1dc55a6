"""Only the receiver of the demo takes the time of receipt from the sender, and never the future."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.errors import SettingsError
from fluents_connector.receiver.app import create_app, flask_app
from fluents_connector.receiver.server import serve
from fluents_connector.receiver.told_time import TIME_HEADER, ToldTimeWebhooks
from fluents_connector.settings import Settings
from tests.deliveries import START, TOKEN, body, whole
from tests.processes import Receiver

URL = f"/fluents/webhook/{TOKEN}"
NOW = START
TOLD = START - 20 * 86_400_000_000


@pytest.fixture
def told(settings: Settings, buffer: SqliteBuffer) -> FlaskClient:
    return flask_app(ToldTimeWebhooks(settings, buffer, clock=lambda: NOW)).test_client()


def posted(client: FlaskClient, buffer: SqliteBuffer, header: str | None) -> tuple[str, int]:
    """The id and the time of receipt of a delivery that is posted with the header."""
    headers = {} if header is None else {TIME_HEADER: header}
    assert client.post(URL, data=body("event_error", header), headers=headers).status_code == 200
    row = whole(buffer).rows[-1]
    return row.event_id, row.received_at


def test_the_sender_says_when_a_delivery_was_received(
    told: FlaskClient, buffer: SqliteBuffer
) -> None:
    event_id, received_at = posted(told, buffer, str(TOLD))
    assert received_at == TOLD
    assert int(event_id.replace("-", "")[:12], 16) == TOLD // 1000


def test_ids_sort_by_the_told_times_and_positions_stay_dense_whatever_is_told(
    told: FlaskClient, buffer: SqliteBuffer
) -> None:
    times = [TOLD + hours * 3_600_000_000 for hours in (5, 1, 4, 1, 3)]
    for number, at in enumerate(times):
        headers = {TIME_HEADER: str(at)}
        told.post(URL, data=body("event_error", number), headers=headers)
    rows = whole(buffer).rows
    assert [row.position for row in rows] == [1, 2, 3, 4, 5]
    by_id = [row.received_at for row in sorted(rows, key=lambda row: row.event_id)]
    assert by_id == sorted(times)


@pytest.mark.parametrize(
    "header",
    [None, "", "-5", "1e9", "soon", "²", "9" * 400, str(NOW + 1), f"{TOLD},{TOLD}"],
    ids=["none", "empty", "negative", "float", "word", "exponent", "huge", "future", "twice"],
)
def test_what_is_no_time_of_the_past_is_now(
    told: FlaskClient, buffer: SqliteBuffer, header: str | None
) -> None:
    assert posted(told, buffer, header)[1] == NOW


def test_an_ordinary_receiver_leaves_the_header_alone(
    settings: Settings, buffer: SqliteBuffer
) -> None:
    client = create_app(settings, buffer, clock=lambda: NOW).test_client()
    assert posted(client, buffer, str(TOLD))[1] == NOW


def test_a_receiver_that_serves_neither_heeds_nor_logs_the_header(receiver: Receiver) -> None:
    receiver.post(body("event_error", 1), headers={TIME_HEADER: str(TOLD)})
    buffer = SqliteBuffer(receiver.folder / ".fluents" / "buffer.sqlite")
    (row,) = whole(buffer).rows
    buffer.close()
    assert row.received_at > NOW
    assert str(TOLD) not in receiver.log.read_text()


@pytest.mark.parametrize("host", ["192.0.2.7", "::", "2001:db8::1"])
def test_beyond_loopback_nobody_may_tell_the_time(settings: Settings, host: str) -> None:
    changed = settings.model_copy(update={"host": host})
    with pytest.raises(SettingsError, match="loopback only"):
        serve(changed, time_is_told=True)
    assert not settings.buffer_file.exists()
