"""Hosts in URLs, and where this machine reaches what listens on them."""

from __future__ import annotations

import pytest

from fluents_connector.addresses import in_url, reached_at


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("name", "name")]
)
def test_an_address_of_version_6_stands_in_brackets(host: str, url: str) -> None:
    assert in_url(host) == url


@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104 # nothing listens
        ("::", "::1"),
        ("0:0:0:0:0:0:0:0", "::1"),
        ("192.0.2.1", "192.0.2.1"),
        ("localhost", "localhost"),
    ],
)
def test_all_addresses_are_reached_at_loopback(host: str, reached: str) -> None:
    assert reached_at(host) == reached
