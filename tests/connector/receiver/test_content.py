"""A compressed body is unpacked to a bounded size, or refused with a reason."""

from __future__ import annotations

import gzip
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluents_connector.delivery import NotAnEvent
from fluents_connector.receiver.content import TooLarge, unpacked
from tests.deliveries import body

LIMIT = 2048
GOOD = body("event_error", {"message": "no"})


def raw_deflate(content: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(content) + deflater.flush()


KNOWN = {
    "none": ("", bytes),
    "identity": ("identity", bytes),
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "upper case and spaces": (" GZIP ", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "deflate without a frame": ("deflate", raw_deflate),
}


@pytest.mark.parametrize(("encoding", "pack"), KNOWN.values(), ids=KNOWN)
@pytest.mark.parametrize("content", [b"", GOOD, b"x" * LIMIT], ids=["empty", "event", "limit"])
def test_a_body_is_unpacked(encoding: str, pack: type[bytes], content: bytes) -> None:
    assert unpacked(pack(content), encoding, LIMIT) == content


@pytest.mark.parametrize(("encoding", "pack"), list(KNOWN.values())[2:], ids=list(KNOWN)[2:])
@pytest.mark.parametrize("size", [LIMIT + 1, 50_000_000], ids=["a byte", "a bomb"])
def test_a_body_that_unpacks_to_too_much_is_too_large(
    encoding: str, pack: type[bytes], size: int
) -> None:
    packed = pack(b"x" * size)
    assert len(packed) < size / 50
    with pytest.raises(TooLarge):
        unpacked(packed, encoding, LIMIT)


PACKED = gzip.compress(GOOD)
BROKEN = {
    "not gzip": ("gzip", GOOD),
    "empty": ("gzip", b""),
    "cut short": ("gzip", PACKED[:-1]),
    "wrong sum": ("gzip", PACKED[:-8] + b"\x00" * 8),
    "something after it": ("gzip", PACKED + b"x"),
    "two in a row": ("gzip", PACKED * 2),
    "zlib for gzip": ("gzip", zlib.compress(GOOD)),
    "gzip for deflate": ("deflate", PACKED),
    "not deflate": ("deflate", b"\xff" * 100),
    "packed twice, said once": ("gzip, gzip", gzip.compress(PACKED)),
    "Brotli": ("br", b"\x8b\x02\x80"),
    "no such word": ("a" * 10_000, GOOD),
    "not ASCII": ("é", GOOD),
}


@pytest.mark.parametrize(("encoding", "content"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_unpacked_is_refused(encoding: str, content: bytes) -> None:
    with pytest.raises(NotAnEvent) as raised:
        unpacked(content, encoding, LIMIT)
    known = encoding in ("gzip", "deflate")
    assert raised.value.reason == ("broken_encoding" if known else "unknown_encoding")
    assert raised.value.detail.endswith(".")
    assert raised.value.detail.isascii()
    assert len(raised.value.detail) < 200


@given(st.binary(), st.sampled_from(["gzip", "deflate"]))
def test_any_bytes_are_unpacked_or_refused(content: bytes, encoding: str) -> None:
    with suppress(NotAnEvent, TooLarge):
        assert len(unpacked(content, encoding, LIMIT)) <= LIMIT
