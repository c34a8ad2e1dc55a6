"""Who may see the dashboard: whoever has its token, once in a link, and in a cookie from then on.

A proxy that authenticates people sends the token itself, as `Authorization: Bearer …`, and may
then name the user in a header. That name is believed of such a request alone: a visitor with a
cookie could write any. The Host header must be an address or a name of ours, so that no page of
another name that leads here can read anything (DNS rebinding).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlencode, urlsplit

from flask import Flask, Request, Response, current_app, g, redirect, render_template, request
from werkzeug.datastructures import MultiDict

from fluents_connector.settings import Settings

COOKIE_SECONDS = 30 * 86_400
OPEN = frozenset({"static", "health", "sign_in"})
"""The endpoints that say nothing of calls."""


class Access:
    """Checks each request of an application before it is answered."""

    def __init__(self, settings: Settings, token: str) -> None:
        self._token = token
        # what a cookie holds proves the token and does not tell it
        self._proof = hmac.new(token.encode(), b"fluents-dashboard cookie", hashlib.sha256)
        self._url = urlsplit(settings.dashboard_url)
        self._user_header = settings.dashboard_user_header
        # by the token, as cookies of one host are sent to all of its ports
        self._cookie = f"fluents_dashboard_{self._proof.hexdigest()[:8]}"

    def protect(self, app: Flask) -> None:
        """Lets nobody in without the token, from now on."""
        app.before_request(self._check)
        app.add_url_rule("/sign-in", "sign_in", self._sign_in, methods=["POST"])

    def _check(self) -> Response | tuple[str, int] | None:
        if not self._is_our_name(request.host):
            return (
                "This dashboard is not known by that name. Set dashboard_url in fluents.toml to "
                "the address that its visitors open.\n",
                421,
            )
        g.user = ""
        if request.endpoint in OPEN:
            return None
        given = request.args.get("token")
        if given is not None:
            return self._let_in(given, _without_token(request.full_path, request.args))
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _equal(credentials.strip(), self._token):
            if self._user_header:
                g.user = request.headers.get(self._user_header, "")[:200]
            return None
        if _equal(request.cookies.get(self._cookie, ""), self._proof.hexdigest()):
            return None
        return self._refuse("", request.full_path)

    def _sign_in(self) -> Response | tuple[str, int]:
        path = request.form.get("next", "")
        is_ours = path.startswith("/") and not path.startswith(("//", "/\\"))
        return self._let_in(request.form.get("token", "").strip(), path if is_ours else "/")

    def _let_in(self, token: str, path: str) -> Response | tuple[str, int]:
        if not _equal(token, self._token):
            return self._refuse("That is not the token of this dashboard.", path)
        response = current_app.make_response(redirect(path, 303))
        response.set_cookie(
            self._cookie,
            self._proof.hexdigest(),
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="Lax",  # a link in a chat is to work
            secure=self._url.scheme == "https" or request.is_secure,
        )
        return response

    def _refuse(self, why: str, path: str) -> tuple[str, int]:
        return render_template("sign_in.html", why=why, next=path.rstrip("?")), 401

    def _is_our_name(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in ("localhost", self._url.hostname):
            return True
        try:
            ip_address(name)  # which no other name leads to
        except ValueError:
            return False
        return True


def _without_token(path: str, arguments: MultiDict[str, str]) -> str:
    kept = [(name, value) for name, value in arguments.items(multi=True) if name != "token"]
    path = "/" + path.partition("?")[0].lstrip("/")  # // would name another host
    return f"{path}?{urlencode(kept)}" if kept else path


def _equal(given: str, known: str) -> bool:
    return hmac.compare_digest(
        hashlib.sha256(given.encode("utf-8", "surrogatepass")).digest(),
        hashlib.sha256(known.encode()).digest(),
    )


SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; media-src http: https:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def secure(response: Response) -> Response:
    """Adds what keeps a browser from running, framing, sending or keeping what it should not."""
    response.headers.update(SECURITY_HEADERS)
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


def path_of(asked: Request) -> str:
    """What may be logged of a request: no query, as a search may be a person's number."""
    return asked.path
