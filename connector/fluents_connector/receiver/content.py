"""Undoes the compression of a body, to a bounded size.

A body that is not compressed as it says, or in a way that is not known here, is refused and kept
as it came, so that nothing is lost. One that unpacks to too much is not unpacked further.
"""

from __future__ import annotations

import zlib

from fluents_connector.delivery import NotAnEvent

_GZIP = {"gzip", "x-gzip"}
_SHOWN = 40


class TooLarge(Exception):
    """The body unpacks to more than is allowed."""


def unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    """`body` without its Content-Encoding: gzip, deflate, identity or none.

    Raises `TooLarge` beyond `limit` bytes, and `NotAnEvent` for what cannot be unpacked.
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
            return _inflated(body, -zlib.MAX_WBITS, limit)  # without zlib's frame, as some send
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
