"""Bad requests without end: damaged bodies, odd headers, and what is no HTTP at all."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.deliveries import TOKEN, body

SPLICES = (
    *(b"[", b"]", b"{", b"}", b'"', b"\\", b",", b":", b"\x00", b"\xff", b"\xed\xa0\x80"),
    *(b"\\u", b"\\ud800", b"1e999999", b"-", b"NaN", b"Infinity", b"9" * 5000, b"\xef\xbb\xbf"),
    *(b'"call_id":1,', b'"type":null,', b"[" * 200, b'{"a":' * 200, b"null", b"true", b" " * 500),
)
TYPES = ("event_message", "event_transcript", "event_action", "event_error", "no_such_type")
VALUES = (None, True, 0, -1, 10**400, 1e308, "", "x" * 300, "\ud83d", "\x00", [], {}, [[]], {"": 0})
NAMES = (
    *("Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type"),
    *("Cookie", "Expect", "Forwarded", "Host", "Range", "TE", "Transfer-Encoding", "Upgrade"),
    *("X-Forwarded-For", "X-Forwarded-Host", "X-Http-Method-Override", "X-Original-URL", "X_Y"),
)
WORDS = (
    *("", "0", "-1", "9" * 40, "gzip", "deflate", "br", "gzip, gzip", "chunked", "identity"),
    *("100-continue", "close", "websocket", "h2c", "text/plain; charset=utf-7", "multipart/x"),
    *("127.0.0.1", "::1, [::1]:1", "a" * 5000, "\xff\xfe", "%00", "../..", "{}", "bytes=0-"),
)
METHODS = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "X" * 300)


class Input(NamedTuple):
    """One connection's worth of bytes."""

    kind: str
    content: bytes


def request(content: bytes, method: str = "POST", path: str = "", **headers: str) -> bytes:
    """A request to the webhook as bytes; `headers` with `_` for `-` replace the usual ones."""
    usual = {"Host": "a", "Content-Length": str(len(content)), "Connection": "close"}
    named = usual | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path or f'/fluents/webhook/{TOKEN}'} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in named.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def bad_inputs(seed: int) -> Iterator[Input]:
    """The same inputs for the same seed; there is no end of them."""
    chance = random.Random(seed)  # noqa: S311 # hostile, not secret
    kinds: tuple[Callable[[random.Random], Input], ...] = (_body, _body, _packed, _headers, _raw)
    while True:
        yield chance.choice(kinds)(chance)


def damaged(content: bytes, chance: random.Random) -> bytes:
    """`content` with a few bytes removed, replaced or added."""
    result = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        start = chance.randint(0, len(result))
        result[start : start + chance.choice((0, 0, 1, 3, 40))] = chance.choice(SPLICES)
    return bytes(result)


def _event(chance: random.Random) -> bytes:
    fields = {
        name: chance.choice(VALUES) for name in chance.choices(("a", "from_number", "x"), k=2)
    }
    event = body(chance.choice(TYPES), chance.choice(VALUES), **fields)
    if chance.random() < 0.2:
        whole = json.loads(event)
        whole[chance.choice(("call_id", "type"))] = chance.choice(VALUES)
        event = json.dumps(whole).encode()
    return event


def _body(chance: random.Random) -> Input:
    return Input("damaged body", request(damaged(_event(chance), chance)))


def _packed(chance: random.Random) -> Input:
    encoding, pack = chance.choice((("gzip", gzip.compress), ("deflate", zlib.compress)))
    packed = pack(_event(chance))
    if chance.random() < 0.7:
        packed = damaged(packed, chance)
    return Input("damaged packed body", request(packed, Content_Encoding=encoding))


def _headers(chance: random.Random) -> Input:
    odd = {chance.choice(NAMES): chance.choice(WORDS) for _ in range(chance.randint(1, 4))}
    paths = ("", "", "", "/", "//", "/metrics", "/%2e%2e/x", f"/fluents/webhook/{TOKEN}%00", "*")
    method = chance.choice(("POST", "POST", "POST", *METHODS))
    return Input("odd headers", request(_event(chance), method, chance.choice(paths), **odd))


def _raw(chance: random.Random) -> Input:
    return Input("no HTTP", damaged(request(_event(chance)), chance))
