"""Bodies that are cheap to send and dear to read: JSON bombs of a given size.

`python -m tests.attacks.hostile.bombs` prints what each costs to validate, which holds Python's
global lock while it reads, so that this is also how long all other requests of a process wait.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from fluents_connector.delivery import validate

MEGABYTE = 1024**2
HEAD = b'{"call_id":"c","type":"t","payload":'


def _filled(before: bytes, unit: bytes, after: bytes) -> Callable[[int], bytes]:
    """`before`, then `unit` as often as fits, then `after`."""

    def make(size: int) -> bytes:
        return before + unit * ((size - len(before) - len(after)) // len(unit)) + after

    return make


def _keys(size: int) -> bytes:
    pairs = [b'"%07d":1' % number for number in range((size - len(HEAD) - 4) // 12)]
    return HEAD + b"{" + b",".join(pairs) + b"}}"


def _chains(size: int) -> bytes:
    """As deep as a valid body may be, again and again."""
    return _filled(HEAD + b"[", b"[" * 125 + b"]" * 125 + b",", b"1]}")(size)


BOMBS: dict[str, Callable[[int], bytes]] = {
    "opening brackets": _filled(b"", b"[", b""),
    "opening brackets in an event": _filled(HEAD, b"[", b""),
    "opening braces": _filled(HEAD, b'{"a":', b""),
    "closing brackets": _filled(HEAD, b"]", b""),
    "brackets opened and closed": lambda size: b"[" * (size // 2) + b"]" * (size // 2),
    "empty lists": _filled(HEAD + b"[", b"[],", b"1]}"),
    "empty objects": _filled(HEAD + b"[", b"{},", b"1]}"),
    "small objects": _filled(HEAD + b"[", b'{"a":[{}]},', b"1]}"),
    "chains as deep as allowed": _chains,
    "brackets in a string": _filled(HEAD + b'"', b"[", b'"}'),
    "brackets among strings": _filled(HEAD + b"[", b'"[",[],', b"1]}"),
    "brackets and an open string": _filled(HEAD + b"[" * 200 + b'"', b"[", b""),
    "nothing but a string of brackets": _filled(b'"', b"[", b'"'),
    "quotes": _filled(b"", b'"', b""),
    "empty strings": _filled(HEAD + b"[", b'"",', b"1]}"),
    "escaped quotes": _filled(HEAD + b"[" * 100 + b'"', b'[\\"', b'"' + b"]" * 100 + b"}"),
    "escaped backslashes": _filled(HEAD + b'"', b"\\\\", b'"}'),
    "escapes": _filled(HEAD + b'"', b"\\u0041", b'"}'),
    "half surrogate pairs": _filled(HEAD + b'"', b"\\ud83d", b'"}'),
    "one string": _filled(HEAD + b'"', b"x", b'"}'),
    "one string of emoji": _filled(HEAD + b'"', "😀".encode(), b'"}'),
    "one string that does not end": _filled(HEAD + b'"', b"x", b""),
    "digits": _filled(HEAD, b"9", b"}"),
    "digits after the point": _filled(HEAD + b"1.", b"9", b"}"),
    "digits of an exponent": _filled(HEAD + b"1e", b"9", b"}"),
    "small integers": _filled(HEAD + b"[", b"1,", b"1]}"),
    "integers of 4,301 digits": _filled(HEAD + b"[", b"9" * 4301 + b",", b"1]}"),
    "1e999999": _filled(HEAD + b"[", b"1e999999,", b"1]}"),
    "fractions": _filled(HEAD + b"[", b"0.1,", b"1]}"),
    "NaN at the end": _filled(HEAD + b"[", b"1,", b"NaN]}"),
    "one key repeated": _filled(HEAD + b"{", b'"a":1,', b'"a":1}}'),
    "call_id repeated": _filled(b'{"type":"t",', b'"call_id":"c",', b'"call_id":"c"}'),
    "different keys": _keys,
    "long call_id": _filled(b'{"type":"t","call_id":"', b"c", b'"}'),
    "long type": _filled(b'{"call_id":"c","type":"', b"t", b'"}'),
    "spaces": _filled(HEAD, b" ", b"1}"),
    "commas": _filled(HEAD + b"[", b",", b"]}"),
    "NUL": _filled(b"", b"\x00", b""),
    "not UTF-8 at the end": _filled(HEAD + b'"', b"x", b'\xff"}'),
}


def main(size: int = 10 * MEGABYTE) -> None:
    """Prints the seconds that each bomb takes to validate, slowest first."""
    costs = []
    for name, make in BOMBS.items():
        content = make(size)
        start = time.perf_counter()
        validated = validate(content, webhook="main", received_at=0, event_id="id")
        costs.append((time.perf_counter() - start, name, validated.reason or "an event"))
    for seconds, name, outcome in sorted(costs, reverse=True):
        sys.stdout.write(f"{seconds:7.3f} s  {name:30} {outcome}\n")


if __name__ == "__main__":
    from fluents_connector.receiver.server import collect_garbage_seldom

    collect_garbage_seldom()  # as a worker process does
    main()
