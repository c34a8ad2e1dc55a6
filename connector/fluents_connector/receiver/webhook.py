"""Lets a request in, and judges what it brought.

Whoever may not come in gets the same 404 as an unknown path, whatever the reason, and costs
neither a thread that waits for the body nor a row in the buffer. The token comes first, so that
without it nothing is read; the signature comes last, as it needs the whole body.
"""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.exceptions import BadRequest, NotFound, RequestEntityTooLarge
from werkzeug.wrappers import Request

from fluents_connector.delivery import (
    Delivery,
    NotAnEvent,
    judge,
    new_event_id,
    refused,
    too_large,
    with_id,
)
from fluents_connector.receiver.auth import Tokens, is_within, sender_address
from fluents_connector.receiver.content import TooLarge, unpacked
from fluents_connector.receiver.gateway import Gateway
from fluents_connector.redaction import Redactor
from fluents_connector.settings import Settings

# Any of them says that a proxy handed the request over.
_PROXY_HEADERS = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
)


class NotLetIn(NotFound):
    """A 404 whose reason only the metrics tell."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class Entrance:
    """What the settings say about who may come in, and with what.

    `clock` gives microseconds since 1970 (UTC); `random_bits(n)` n random bits for ids.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], int],
        random_bits: Callable[[int], int],
    ) -> None:
        self._settings = settings
        self._tokens = Tokens(settings.webhooks)
        self._gateway = Gateway.of(settings)
        self._redactor = Redactor(settings.redact_fields)
        self._clock = clock
        self._random_bits = random_bits

    def webhook(self, request: Request, token: str) -> str:
        """The webhook that a request may deliver to. Raises `NotLetIn`, and reads no body."""
        webhook = self._tokens.webhook(token)
        if webhook is None:
            raise NotLetIn("wrong_token")
        networks = self._settings.allowed_networks
        if networks:
            sender = self._sender(request)
            if not is_within(sender, networks):
                outside = "outside_allowed_networks"
                raise NotLetIn("unknown_sender" if sender is None else outside)
        if not self._gateway.knows(request.headers):
            raise NotLetIn("wrong_gateway_secret")
        return webhook

    def check_metrics_reader(self, request: Request) -> None:
        """Raises `NotLetIn` unless the sender may read the metrics."""
        # A proxy that is not declared makes every client look like loopback.
        undeclared = not self._settings.trusted_proxies and any(
            header in request.headers for header in _PROXY_HEADERS
        )
        if undeclared or not is_within(self._sender(request), self._settings.metrics_networks):
            raise NotLetIn("outside_metrics_networks")

    def delivery(self, request: Request, webhook: str) -> Delivery:
        """What a request brought. Raises `NotLetIn` if its body is not signed as it must be."""
        received_at = self._clock()
        event_id = new_event_id(received_at, self._random_bits(62))
        limit = self._settings.max_body_bytes
        too_much = too_large(limit, webhook=webhook, received_at=received_at, event_id=event_id)
        try:
            body = _whole_body(request, limit)
        except TooLarge:
            if self._gateway.signs:  # nobody knows, as the signature is of the whole body
                raise NotLetIn("wrong_signature") from None
            return too_much
        if not self._gateway.signed(request.headers, body):
            raise NotLetIn("wrong_signature")
        try:
            content = unpacked(body, request.headers.get("Content-Encoding", ""), limit)
        except TooLarge:
            return too_much
        except NotAnEvent as why:
            judged = refused(body, why, webhook=webhook, received_at=received_at, event_id=event_id)
        else:
            judged = judge(content, webhook=webhook, received_at=received_at, event_id=event_id)
        given = request.headers.get(self._settings.id_header) if self._settings.id_header else None
        return self._redactor.redacted(with_id(judged, given) if given else judged)

    def _sender(self, request: Request) -> str | None:
        forwarded = request.headers.get("X-Forwarded-For", "")
        return sender_address(request.remote_addr, forwarded, self._settings.trusted_proxies)


def _whole_body(request: Request, limit: int) -> bytes:
    # One byte more than allowed, as Werkzeug cuts a chunked body at the limit without a word.
    request.max_content_length = limit + 1
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise TooLarge from None
    if len(body) > limit:
        raise TooLarge
    if len(body) < (request.content_length or 0):
        raise BadRequest("The body ended before its Content-Length.")  # the sender went away
    return body
