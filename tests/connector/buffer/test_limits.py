"""A buffer that has reached a limit is a 503 to who sends, until a load makes room."""

from __future__ import annotations

from contextlib import closing

from fluents_connector.buffer import Limits, SqliteBuffer
from fluents_connector.receiver.app import create_app
from fluents_connector.settings import Settings
from tests.contract.buffer.test_limits import fill
from tests.deliveries import TOKEN, body


def test_the_receiver_answers_503_while_the_buffer_is_full(settings: Settings) -> None:
    with closing(SqliteBuffer(settings.buffer_file, Limits(rows=3))) as three_rows:
        client = create_app(settings, three_rows).test_client()
        fill(three_rows)
        refused = client.post(f"/fluents/webhook/{TOKEN}", data=body("event_error", "late"))
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
        three_rows.confirm(3)
        again = client.post(f"/fluents/webhook/{TOKEN}", data=body("event_error", "late"))
        assert again.status_code == 200
