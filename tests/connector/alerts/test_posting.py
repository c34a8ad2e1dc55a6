"""Findings reach a real HTTP server, or an error says why not, in bounded time, without the URL."""

from __future__ import annotations

import html
import json
import logging
import re

import pytest
from pydantic import SecretStr

from fluents_connector.alerts import Poster
from fluents_connector.alerts.posting import MOST_TEXT, payload
from fluents_connector.errors import AlertsFailed
from tests.alert_receiver import receiving
from tests.connector.alerts.findings import finding, opened
from tests.processes import free_port

SECRET = "T0001/B0002/hidden-0123456789"  # noqa: S105 # of no one


def poster(base: str, *, timeout: float = 30, whole: float = 60) -> Poster:
    return Poster(SecretStr(f"{base}/services/{SECRET}"), timeout=timeout, whole=whole)


def refused(base: str, **seconds: float) -> str:
    with pytest.raises(AlertsFailed) as raised:
        poster(base, **seconds).post([opened()])
    assert raised.value.__cause__ is None
    assert "alerts_url" in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_taken(status: int) -> None:
    with receiving(status) as server:
        poster(server.base).post([opened()])
    assert server.paths == [f"/services/{SECRET}"]
    assert server.bodies[0]["findings"][0]["says"] == "It waits."


@pytest.mark.parametrize("first", [500, 503, 429, "reset"], ids=str)
def test_it_is_tried_again_after_what_may_pass(first: int | str) -> None:
    with receiving(first, 200) as server:
        poster(server.base).post([opened()])
    assert len(server.bodies) == 2


@pytest.mark.parametrize("status", [500, 429], ids=str)
def test_it_gives_up_after_three_tries(status: int) -> None:
    with receiving(status) as server:
        assert f"answered {status}" in refused(server.base)
    assert len(server.bodies) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 410], ids=str)
def test_what_will_not_pass_is_tried_once(status: int) -> None:
    with receiving(status) as server:
        assert f"answered {status}" in refused(server.base)
    assert len(server.bodies) == 1


def test_it_is_not_led_elsewhere() -> None:
    with receiving("redirect") as server:
        assert "answered 307" in refused(server.base)
    assert "/elsewhere" not in server.paths


def test_a_server_that_hangs_is_given_up() -> None:
    with receiving("hang") as server:
        assert "cannot be reached (" in refused(server.base, timeout=0.1)


def test_a_server_that_answers_a_byte_at_a_time_is_given_up_and_asked_no_second_time() -> None:
    with receiving("drip") as server:
        slow = poster(server.base, timeout=5, whole=0.5)
        with pytest.raises(AlertsFailed, match=r"within 0\.5 seconds"):
            slow.post([opened()])
        with pytest.raises(AlertsFailed, match="still answers"):
            slow.post([opened()])
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    "base",
    [f"http://127.0.0.1:{free_port()}", "http://no-such-host.invalid", "https://127.0.0.1:9"],
    ids=["nobody", "no_host", "no_tls"],
)
def test_nobody_there_is_an_error_without_the_url_in_it_or_in_the_log(
    base: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        said = refused(base, timeout=2)
    shown = said + caplog.text + "".join(capfd.readouterr())
    for part in SECRET.split("/"):
        assert part not in shown


@pytest.mark.parametrize("behaviour", [500, "reset", "hang"], ids=str)
def test_no_log_shows_the_url_whatever_the_server_does(
    behaviour: int | str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with receiving(behaviour) as server, caplog.at_level(logging.INFO):
        said = refused(server.base, timeout=0.2)
    shown = said + caplog.text + "".join(capfd.readouterr())
    for part in SECRET.split("/"):
        assert part not in shown


def test_the_text_says_all_and_mentions_nobody_in_slack() -> None:
    hostile = opened(says="<!channel> & <@U1>")
    ended = opened("b", says="It waited.")
    ended = type(ended)(ended.finding, ended.since, ended.last_found_at, True, True)
    sent = payload([hostile, ended])
    assert sent["text"].splitlines() == [
        "fluents-warehouse: findings: 1 new, 1 ended",
        "critical: &lt;!channel&gt; &amp; &lt;@U1&gt; (docs/alerts.md#lag)",
        "ended: It waited.",
    ]
    assert sent["findings"][0]["says"] == hostile.finding.says
    assert [one["state"] for one in sent["findings"]] == ["new", "ended"]


def test_the_text_is_cut_and_the_whole_is_json() -> None:
    sent = payload([opened(says="&" * 20_000, share=0.5, name="x\ud800")] * 3)
    assert len(html.unescape(sent["text"])) == MOST_TEXT
    assert not re.search(r"&(?!amp;)", sent["text"])
    assert len(sent["text"]) < 40_000
    assert json.loads(json.dumps(sent))["findings"][0]["values"]["share"] == 0.5
    assert finding(a=1).values == {"a": 1}
