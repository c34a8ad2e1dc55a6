"""A token finds its webhook and nothing else does; an address is inside a network or not."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from fluents_connector.receiver.auth import Tokens, is_within, sender_address

MAIN = "main-0123456789-abcdefghijkl"
NEW = "new--0123456789-abcdefghijkl"
OLD = "old--0123456789-abcdefghijkl"
TOKENS = Tokens({"main": [SecretStr(MAIN)], "staging": [SecretStr(NEW), SecretStr(OLD)]})
NETWORKS = [ip_network(text) for text in ("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "::1")]


@pytest.mark.parametrize(
    ("token", "webhook"),
    [(MAIN, "main"), (NEW, "staging"), (OLD, "staging")],
    ids=["main", "new", "old"],
)
def test_each_token_of_a_webhook_finds_it(token: str, webhook: str) -> None:
    assert TOKENS.webhook(token) == webhook


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param(MAIN[:-1], id="one short"),
        pytest.param(MAIN + "x", id="one more"),
        pytest.param(MAIN.upper(), id="upper case"),
        pytest.param(MAIN + " ", id="space after"),
        pytest.param(MAIN.replace("0", "\N{FULLWIDTH DIGIT ZERO}"), id="looks alike"),
        pytest.param("é" * 30, id="not ASCII"),
        pytest.param("\ud800", id="half a surrogate pair"),
        pytest.param("\x00" * 30, id="NUL"),
        pytest.param("x" * 1_000_000, id="a million characters"),
    ],
)
def test_any_other_token_finds_nothing(token: str) -> None:
    assert TOKENS.webhook(token) is None


@given(st.text(st.characters(codec=None)))
def test_any_text_may_be_asked_for(token: str) -> None:
    assert TOKENS.webhook(token) is None


def test_without_webhooks_no_token_finds_one() -> None:
    assert Tokens({}).webhook("") is None


@pytest.mark.parametrize(
    "address", ["10.0.0.0", "10.255.255.255", "192.0.2.7", "2001:db8::1", "::1", "::ffff:10.1.2.3"]
)
def test_an_address_in_one_of_the_networks_is_within(address: str) -> None:
    assert is_within(address, NETWORKS)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("9.255.255.255", id="IPv4 before"),
        pytest.param("192.0.2.8", id="IPv4 after"),
        pytest.param("2001:db9::", id="IPv6"),
        pytest.param("::ffff:192.0.2.8", id="IPv4 in IPv6"),
        pytest.param("::10.0.0.1", id="IPv4 in IPv6 of the old form"),
        pytest.param("10.0.0.1:443", id="with a port"),
        pytest.param("10.0.0.1, 10.0.0.2", id="two"),
        pytest.param("10.0.0.0/8", id="a network"),
        pytest.param("10.0.0.01", id="a leading zero"),
        pytest.param(" 10.0.0.1", id="a space"),
        pytest.param("167772161", id="a number as text"),
        pytest.param("unknown", id="a word"),
        pytest.param("１０.0.0.1", id="wide digits"),  # noqa: RUF001 # that is the point
        pytest.param("", id="empty"),
        pytest.param(None, id="none"),
    ],
)
def test_any_other_address_is_not_within(address: str | None) -> None:
    assert not is_within(address, NETWORKS)


def test_a_mapped_address_counts_as_the_ipv4_address_that_it_is() -> None:
    assert not is_within("::ffff:10.0.0.1", [ip_network("::ffff:0:0/96")])


def test_no_address_is_within_no_networks() -> None:
    assert not is_within("127.0.0.1", [])


@given(st.text(st.characters(codec=None)))
def test_any_text_may_be_an_address(address: str) -> None:
    assert not is_within(address, [ip_network("203.0.113.77/32")])


@given(st.ip_addresses())
def test_every_address_is_within_everything(address: object) -> None:
    assert is_within(str(address), [ip_network("0.0.0.0/0"), ip_network("::/0")])


PEER = "192.0.2.1"  # the proxy that spoke to us
# X-Forwarded-For as it reaches us, the trusted proxies, and who sent the request.
FORWARDED = {
    "no proxy declared": ("203.0.113.9", 0, PEER),
    "one entry": ("203.0.113.9", 1, "203.0.113.9"),
    "the sender's own claim before it": ("10.0.0.1, 203.0.113.9", 1, "203.0.113.9"),
    "two proxies": ("10.0.0.1, 203.0.113.9, 192.0.2.7", 2, "203.0.113.9"),
    "no header": ("", 1, ""),
    "fewer entries than proxies": ("203.0.113.9", 2, None),
    "far fewer": ("", 8, None),
    "empty entries": (",,", 2, ""),
    "an empty entry at the end": ("203.0.113.9,", 1, ""),
    "spaces and tabs": (" 10.0.0.1 ,\t203.0.113.9  ", 1, "203.0.113.9"),
    "no space": ("10.0.0.1,203.0.113.9", 1, "203.0.113.9"),
    "a port": ("203.0.113.9:4711", 1, "203.0.113.9"),
    "IPv6": ("2001:db8::9", 1, "2001:db8::9"),
    "IPv6 in brackets": ("[2001:db8::9]", 1, "2001:db8::9"),
    "IPv6 with a port": ("[2001:db8::9]:4711", 1, "2001:db8::9"),
    "an unclosed bracket": ("[2001:db8::9", 1, "[2001:db8::9"),
    "a word": ("10.0.0.1, unknown", 1, "unknown"),
    "two addresses without a comma": ("10.0.0.1 203.0.113.9", 1, "10.0.0.1 203.0.113.9"),
    "a port that is none": ("203.0.113.9:http", 1, "203.0.113.9:http"),
}


@pytest.mark.parametrize(("forwarded", "proxies", "sender"), FORWARDED.values(), ids=FORWARDED)
def test_the_sender_is_whom_the_outermost_trusted_proxy_saw(
    forwarded: str, proxies: int, sender: str | None
) -> None:
    assert sender_address(PEER, forwarded, proxies) == sender


@given(st.text(), st.integers(1, 8))
def test_a_proxy_never_passes_for_the_sender(forwarded: str, proxies: int) -> None:
    assert not is_within(sender_address(PEER, forwarded, proxies), [ip_network(f"{PEER}/32")])


@given(st.text(st.characters(codec=None)), st.ip_addresses().map(str), st.integers(1, 8))
def test_what_a_sender_writes_itself_changes_nothing(claim: str, true: str, proxies: int) -> None:
    added = [true, *["192.0.2.7"] * (proxies - 1)]  # by the proxies, from the outermost on
    assert sender_address(PEER, ", ".join([claim, *added]), proxies) == true
