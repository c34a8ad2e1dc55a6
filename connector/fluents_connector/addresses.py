"""Hosts as URLs and connections of this machine need them."""

from __future__ import annotations

from ipaddress import ip_address


def in_url(host: str) -> str:
    """The host as a URL has it: an address of IP version 6 stands in brackets."""
    return f"[{host}]" if ":" in host else host


def reached_at(host: str) -> str:
    """Where this machine reaches what listens on `host`: 0.0.0.0 and :: stand for loopback."""
    try:
        address = ip_address(host)
    except ValueError:  # a name
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"
