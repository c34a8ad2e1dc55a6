"""The receiver's one important path: authenticates, validates and stores what a request brought.

`Webhooks.receive` is that path. Servers call it: granian directly, by
`fluents_connector.receiver.rsgi`, and any WSGI server by the view in
`fluents_connector.receiver.app`. What only a server can do for it, a `Request` does: read the
body, run slow work and store a delivery, each without blocking where the server must not block.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Protocol

from werkzeug.wrappers import Response

from fluents_connector.buffer import Buffer, Receipt
from fluents_connector.delivery import (
    Delivery,
    NotAnEvent,
    new_event_id,
    refused,
    too_large,
    validate,
    with_id,
)
from fluents_connector.loader_state import loader_state
from fluents_connector.receiver.auth import Authenticator, NotAuthenticated
from fluents_connector.receiver.content import TooLarge, unpacked
from fluents_connector.receiver.metrics import Metrics
from fluents_connector.receiver.refusals import Refusals
from fluents_connector.receiver.responses import Responses
from fluents_connector.redaction import Redactor
from fluents_connector.settings import Settings


class Request(Protocol):
    """A POST to a webhook's URL, with what only the server that received it can do."""

    @property
    def peer(self) -> str | None:
        """The IP address that the connection comes from; None where the server does not know."""

    def header(self, name: str) -> str | None:
        """A header's value, several as one list with commas; None where there is none."""

    async def read(self, limit: int) -> bytes | None:
        """The whole body, as it came; None if it has more than `limit` bytes.

        Raises `BodyIncomplete` and `BodyTimeout`.
        """

    async def run(self, work: Callable[[], Delivery]) -> Delivery:
        """The result of `work`, which may take as long as the body is large."""

    async def store(self, delivery: Delivery) -> Receipt:
        """Stores `delivery` durably. Raises `BufferUnavailable` if it was not stored."""


def now_microseconds() -> int:
    """The wall clock in microseconds since 1970 (UTC)."""
    return time.time_ns() // 1000


class Webhooks:
    """Receives deliveries for `buffer` as the settings say.

    `clock` gives microseconds since 1970 (UTC); `random_bits(n)` n random bits for ids.
    """

    def __init__(
        self,
        settings: Settings,
        buffer: Buffer,
        *,
        clock: Callable[[], int] = now_microseconds,
        random_bits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        self.buffer = buffer
        self.metrics = Metrics(buffer, loader_state(settings))
        self.responses = Responses(self.metrics, Refusals(settings.data_dir))
        self.authenticator = Authenticator(settings)
        self._max_body_bytes = settings.max_body_bytes
        self._id_header = settings.id_header
        self._redactor = Redactor(settings.redact_fields)
        self._clock = clock
        self._random_bits = random_bits

    async def receive(self, token: str, request: Request) -> Response:
        """The response to a POST to the URL with `token`: a 2xx once the delivery is durable.

        It raises nothing: an error is a response too.
        """
        try:
            webhook = await self._authenticated(token, request)
            body = await request.read(self._max_body_bytes)
            delivery = await request.run(lambda: self._validate(webhook, body, request))
            with self.metrics.append_seconds.time():
                receipt = await request.store(delivery)
        except Exception as error:
            return self.responses.to_error(error)
        return self.responses.to_delivery(delivery, receipt)

    def _received_at(self, request: Request) -> int:
        """When a request was received, in microseconds since 1970 (UTC): now."""
        return self._clock()

    async def _authenticated(self, token: str, request: Request) -> str:
        """The label of the webhook. Raises `NotAuthenticated`."""
        try:
            return self.authenticator.webhook(token, request.peer, request.header)
        except NotAuthenticated as why:
            if why.reason != "wrong_token":
                # Who has the URL gets the response: a proxy in front loses one that comes before it
                # has sent the whole body.
                await request.read(self._max_body_bytes)
            raise

    def _validate(self, webhook: str, body: bytes | None, request: Request) -> Delivery:
        """The delivery of a body, as an event or for the quarantine.

        Raises `NotAuthenticated` if the body is not signed as the settings demand.
        """
        self.authenticator.check_signature(body, request.header)
        received_at = self._received_at(request)
        event_id = new_event_id(received_at, self._random_bits(62))
        limit = self._max_body_bytes
        try:
            if body is None:
                raise TooLarge
            content = unpacked(body, request.header("Content-Encoding") or "", limit)
        except TooLarge:
            return too_large(limit, webhook=webhook, received_at=received_at, event_id=event_id)
        except NotAnEvent as why:
            delivery = refused(
                body or b"", why, webhook=webhook, received_at=received_at, event_id=event_id
            )
        else:
            delivery = validate(
                content, webhook=webhook, received_at=received_at, event_id=event_id
            )
        given = request.header(self._id_header) if self._id_header else None
        return self._redactor.redacted(with_id(delivery, given) if given else delivery)
