"""Authenticates requests: secret URLs, one or two tokens a webhook, allowed networks, a gateway.

A request that is not authenticated gets the same 404 as an unknown path, whatever the reason, and
no row in the buffer. The token is checked first, so that nothing is read without it; the signature
last, as it is of the whole body.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from pydantic import SecretStr

from fluents_connector.receiver.gateway import Gateway, Header, digest
from fluents_connector.settings import Settings

Network = IPv4Network | IPv6Network

# Any of them says that a proxy handed the request over.
_PROXY_HEADERS = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
)
_PORT = re.compile(r"(?:\[([^\[\]]+)\]|([^:\[\]]+))(?::\d{1,5})?")


class NotAuthenticated(Exception):
    """The response is that of an unknown path; the `reason` is counted, and not sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Authenticator:
    """Authenticates requests as the settings say.

    `peer` is the IP address that a connection comes from, None where it is not known.
    """

    def __init__(self, settings: Settings) -> None:
        self._tokens = Tokens(settings.webhooks)
        self._gateway = Gateway.of(settings)
        self._networks = settings.allowed_networks
        self._metrics_networks = settings.metrics_networks
        self._trusted_proxies = settings.trusted_proxies

    def webhook(self, token: str, peer: str | None, header: Header) -> str:
        """The label of the webhook that a request may deliver to, by all but its body.

        Raises `NotAuthenticated`.
        """
        webhook = self._tokens.webhook(token)
        if webhook is None:
            raise NotAuthenticated("wrong_token")
        if self._networks:
            sender = self._sender(peer, header)
            if not is_within(sender, self._networks):
                outside = "outside_allowed_networks"
                raise NotAuthenticated("unknown_sender" if sender is None else outside)
        if not self._gateway.knows(header):
            raise NotAuthenticated("wrong_gateway_secret")
        return webhook

    def check_signature(self, body: bytes | None, header: Header) -> None:
        """Raises `NotAuthenticated` unless `body`, as it came, is signed as it must be.

        None stands for a body that is too large, whose signature cannot be checked.
        """
        if self._gateway.signs and (body is None or not self._gateway.signed(header, body)):
            raise NotAuthenticated("wrong_signature")

    def check_metrics_reader(self, peer: str | None, header: Header) -> None:
        """Raises `NotAuthenticated` unless the sender may read the metrics."""
        # A proxy that is not declared makes every client look like loopback.
        undeclared = not self._trusted_proxies and any(
            header(name) is not None for name in _PROXY_HEADERS
        )
        if undeclared or not is_within(self._sender(peer, header), self._metrics_networks):
            raise NotAuthenticated("outside_metrics_networks")

    def _sender(self, peer: str | None, header: Header) -> str | None:
        return sender_address(peer, header("X-Forwarded-For") or "", self._trusted_proxies)


class Tokens:
    """Finds the webhook that a token belongs to, in the same time for any token."""

    def __init__(self, webhooks: Mapping[str, Iterable[SecretStr]]) -> None:
        self._digests = [
            (digest(_encoded(token.get_secret_value())), label)
            for label, tokens in webhooks.items()
            for token in tokens
        ]

    def webhook(self, token: str) -> str | None:
        """The webhook's label, or None. Compares with every token, found or not."""
        asked = digest(_encoded(token))
        found = None
        for known, label in self._digests:
            if hmac.compare_digest(known, asked):
                found = label
        return found


def is_within(address: str | None, networks: Iterable[Network]) -> bool:
    """Whether an IP address as text lies in one of `networks`; False for anything else."""
    try:
        ip = ip_address(address or "")
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped  # how a dual-stack socket names an IPv4 client
    return any(ip in network for network in networks)


def sender_address(peer: str | None, forwarded: str, trusted_proxies: int) -> str | None:
    """Who sent a request that `peer` handed over, as an IP address in text; None if unknown.

    `forwarded` is X-Forwarded-For, to which each proxy adds at its end the address that it was
    connected to. So of two trusted proxies the second entry from the right is true, and whatever
    stands left of it is the sender's own claim. Fewer entries than proxies mean that a proxy was
    bypassed: then the sender is unknown, and the proxy's own address does not stand in for it.
    """
    if not trusted_proxies:
        return peer
    entries = forwarded.rsplit(",", trusted_proxies)[-trusted_proxies:]
    if len(entries) < trusted_proxies:
        return None
    entry = entries[0].strip()
    with_port = _PORT.fullmatch(entry)
    return with_port[1] or with_port[2] if with_port else entry


def _encoded(token: str) -> bytes:
    return token.encode("utf-8", "surrogatepass")
