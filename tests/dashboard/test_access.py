"""Who gets in, and what every answer says to a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from fluents_dashboard.pages import PAGES
from tests.dashboard.visitors import TOKEN, Visitor

PATHS = [
    *("/", "/calls", "/call?id=x", "/results", "/quality", "/state", "/calls.csv", "/results.csv"),
    *("/call.json?id=x", "/call.txt?id=x", "/nothing"),
]


@pytest.fixture
def stranger(visitor: Visitor) -> FlaskClient:
    return visitor.app.test_client()


@pytest.mark.parametrize("path", PATHS)
def test_without_the_token_nothing_of_a_call_is_shown(path: str, stranger: FlaskClient) -> None:
    response = stranger.get(path)
    assert response.status_code == 401
    assert "Token" in response.text
    assert "2026" not in response.text


def test_every_page_and_file_asks_for_the_token(visitor: Visitor) -> None:
    rules = {rule.rule for rule in visitor.app.url_map.iter_rules()}
    open_to_all = {"/static/<path:filename>", "/health", "/sign-in"}
    assert rules - open_to_all == {path.split("?")[0] for path in PATHS if path != "/nothing"} | {
        f"/{page.name}" for page in PAGES[1:]
    } | {f"/{page.name}.{ending}" for page in PAGES for ending in page.files}


@pytest.mark.parametrize("token", ["", "wrong", f"{TOKEN}x", TOKEN[:-1], "ä\N{SNOWMAN}"], ids=str)
def test_a_wrong_token_lets_nobody_in(token: str, stranger: FlaskClient) -> None:
    assert stranger.get("/", query_string={"token": token}).status_code == 401
    assert stranger.post("/sign-in", data={"token": token}).status_code == 401
    bearer = {"Authorization": f"Bearer {token}".encode("utf-8", "ignore").decode("latin-1")}
    assert stranger.get("/", headers=bearer).status_code == 401
    assert stranger.get("/").status_code == 401


def test_the_link_sets_a_cookie_and_leaves_no_token_in_the_address(stranger: FlaskClient) -> None:
    response = stranger.get(f"/calls?q=a%26b&token={TOKEN}&page=2")
    assert (response.status_code, response.location) == (303, "/calls?q=a%26b&page=2")
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    assert TOKEN not in cookie
    assert stranger.get("/calls?span=all").status_code == 200


def test_the_cookie_outlives_a_restart_with_the_same_token_and_not_another(week: Path) -> None:
    with Visitor(week) as before, Visitor(week) as after:
        cookie = before.client.get(f"/?token={TOKEN}").headers["Set-Cookie"].split(";")[0]
        again = after.app.test_client()
        again.set_cookie(*cookie.split("="))
        assert again.get("/").status_code == 200
        name, value = cookie.split("=")
        again.set_cookie(name, value[:-1] + "0" + value[-1])
        assert again.get("/").status_code == 401


def test_behind_https_the_cookie_is_secure(week: Path) -> None:
    with Visitor(week, dashboard_url="https://calls.example/") as visitor:
        response = visitor.client.get(f"/?token={TOKEN}", base_url="https://calls.example")
        assert "Secure" in response.headers["Set-Cookie"]


@pytest.mark.parametrize(
    "path", ["https://evil.invalid/", "//evil.invalid/", "/\\evil.invalid", "evil"], ids=str
)
def test_signing_in_leads_to_no_other_host(path: str, stranger: FlaskClient) -> None:
    response = stranger.post("/sign-in", data={"token": TOKEN, "next": path})
    assert (response.status_code, response.location) == (303, "/")
    linked = stranger.get(f"//evil.invalid/?token={TOKEN}")
    assert not (linked.location or "").startswith("//")


def test_signing_in_leads_back_to_the_page_that_was_asked_for(stranger: FlaskClient) -> None:
    assert 'name="next" value="/call?id=x"' in stranger.get("/call?id=x").text
    response = stranger.post("/sign-in", data={"token": TOKEN, "next": "/call?id=x"})
    assert response.location == "/call?id=x"


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("127.0.0.1:2718", True),
        ("localhost:2718", True),
        ("[::1]:2718", True),
        ("192.0.2.7", True),
        ("calls.example", True),
        ("evil.invalid", False),
        ("127.0.0.1.evil.invalid", False),
        ("", False),
    ],
    ids=str,
)
def test_a_name_that_is_not_ours_is_answered_nothing(week: Path, host: str, is_ours: bool) -> None:
    with Visitor(week, dashboard_url="http://calls.example:80") as visitor:
        response = visitor.client.get("/state", headers={"Host": host})
    assert (response.status_code == 421) != is_ours
    assert is_ours or "dashboard_url" in response.text


def test_a_name_is_believed_of_a_proxy_that_sends_the_token_and_of_nobody_else(
    week: Path,
) -> None:
    with Visitor(week, dashboard_user_header="X-Forwarded-User") as visitor:
        named = {"X-Forwarded-User": "<Ada>"}
        assert "Signed in as" not in visitor.client.get("/", headers=named).text
        proxied = {**named, "Authorization": f"Bearer {TOKEN}"}
        page = visitor.app.test_client().get("/", headers=proxied).text
    assert "Signed in as &lt;Ada&gt;" in page


@pytest.mark.parametrize("path", ["/", "/calls.csv?span=all", "/nothing", "/static/style.css"])
def test_every_answer_keeps_the_browser_from_what_it_should_not_do(
    path: str, visitor: Visitor
) -> None:
    with visitor.client.get(path) as response:
        headers = response.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert ("no-store" in headers["Cache-Control"]) != path.startswith("/static")
