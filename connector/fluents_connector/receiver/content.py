"""Decompresses a body, up to a limit of bytes.

A body that cannot be decompressed as its Content-Encoding says goes to the quarantine as it came,
so that nothing is lost. One that decompresses to more than the limit is decompressed no further.
"""

from __future__ import annotations

import zlib

from fluents_connector.delivery import NotAnEvent

_GZIP = {"gzip", "x-gzip"}
_SHOWN = 40


class TooLarge(Exception):
    """The body has more bytes than is allowed, or would have once decompressed."""


def unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    """`body` without its Content-Encoding: gzip, deflate, identity or none.

    Raises `TooLarge` beyond `limit` bytes, and `NotAnEvent` if it cannot be decompressed.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding in _GZIP:
        return _inflated(body, zlib.MAX_WBITS | 16, limit)
    if encoding == "deflate":
        try:
            return _inflated(body, zlib.MAX_WBITS, limit)
        except NotAnEvent:
            return _inflated(body, -zlib.MAX_WBITS, limit)  # some send it without the frame of zlib
    raise NotAnEvent(
        "unknown_encoding",
        f"The Content-Encoding {encoding[:_SHOWN]!a} is none of gzip, deflate and identity.",
    )


def _inflated(body: bytes, window_bits: int, limit: int) -> bytes:
    inflater = zlib.decompressobj(window_bits)
    try:
        content = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise NotAnEvent("broken_encoding", f"The body cannot be unpacked: {error}.") from None
    if len(content) > limit:
        raise TooLarge
    if not inflater.eof:
        raise NotAnEvent("broken_encoding", "The body cannot be unpacked: it is cut short.")
    if inflater.unused_data:
        raise NotAnEvent("broken_encoding", "The compressed body is followed by something else.")
    return content
