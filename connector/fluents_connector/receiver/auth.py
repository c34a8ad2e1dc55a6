"""Who may deliver: secret URLs, one or two tokens a webhook, and allowed networks."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from pydantic import SecretStr

Network = IPv4Network | IPv6Network

PATH = "/fluents/webhook/"  # then the token

_PORT = re.compile(r"(?:\[([^\[\]]+)\]|([^:\[\]]+))(?::\d{1,5})?")


class Tokens:
    """Finds the webhook that a token belongs to, in the same time for any token."""

    def __init__(self, webhooks: Mapping[str, Iterable[SecretStr]]) -> None:
        # Digests have one length, so comparing them tells nothing about a token's length.
        self._digests = [
            (_digest(token.get_secret_value()), label)
            for label, tokens in webhooks.items()
            for token in tokens
        ]

    def webhook(self, token: str) -> str | None:
        """The webhook's label, or None. Compares with every token, found or not."""
        asked = _digest(token)
        found = None
        for digest, label in self._digests:
            if hmac.compare_digest(digest, asked):
                found = label
        return found

    def open(self, method: str, path: str) -> bool:
        """Whether a request has a token, without which its body is not even read."""
        before, slash, token = path.removesuffix("/").rpartition("/")
        return self.webhook(token) is not None and (method, before + slash) == ("POST", PATH)


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

    `forwarded` is X-Forwarded-For, to which each proxy adds at the end who spoke to it. So of two
    trusted proxies the second entry from the right is true, and what is left of it is the
    sender's own tale. Fewer entries than proxies mean that somebody went around one: then nobody
    knows, and the proxy's own address does not stand in.
    """
    if not trusted_proxies:
        return peer
    entries = forwarded.rsplit(",", trusted_proxies)[-trusted_proxies:]
    if len(entries) < trusted_proxies:
        return None
    entry = entries[0].strip()
    with_port = _PORT.fullmatch(entry)
    return with_port[1] or with_port[2] if with_port else entry


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
