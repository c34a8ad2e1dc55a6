"""Redacts: replaces the values of secret fields in a body before it is stored.

Only the values change: the rest of the body stays byte for byte, with its repeated keys, escapes,
forms of numbers and white space. A field is found at any depth, also in JSON that is the text of
another field, and however its name is escaped. Its name matches in upper and lower case, with `_`,
`-` or nothing between its words. A text that is no JSON is searched for a name in quotes, a colon
and a value.

A body that holds none of the names, as nearly all do, is searched for them and not parsed.
"""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from fluents_connector.delivery import Delivery

REPLACEMENT = '"[redacted]"'

# possessive, as going back over millions of escapes would take hundreds of megabytes
_STRING = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"(\s*+:\s*+)?', re.DOTALL)
_SIGN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)
_SCALAR = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^\s,\]}]+', re.DOTALL)
_NO_SECRET = {"", '""', "null", "true", "false", "None", "True", "False"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})(?:\\u([0-9a-fA-F]{4}))?|(.))", re.DOTALL)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
# Escapes of the characters of a name, and of the quotes around it.
_HIDING = [b"\\u00%d" % digit for digit in range(2, 8)]
_SEPARATORS = re.compile(r"[_-]")


class Span(NamedTuple):
    """`text` is to replace the characters from `start` to before `end`."""

    start: int
    end: int
    text: str


class Redactor:
    """Replaces the values of the fields called `names`, if there are any."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = {spelling for name in names for spelling in _spellings(name)}
        # the shortest names: each body that holds a name unescaped holds one of them
        self._markers = [
            name.encode()
            for name in sorted(self._names)
            if not any(other != name and other in name for other in self._names)
        ]
        words = [_SEPARATORS.split(name) for name in sorted(names, key=len, reverse=True)]
        spelled = "|".join("[_-]?".join(map(re.escape, parts)) for parts in words)
        # begins with the name, so that no long run of other characters is searched repeatedly
        self._field = re.compile(
            rf"(?:{spelled})(?P<quote>\\*[\"'])\s*:\s*(?:(?P<open>\\*[\"'])|(?P<bare>[^\s\"'\\,\]}}]))",
            re.IGNORECASE | re.ASCII,
        )

    def redacted(self, delivery: Delivery) -> Delivery:
        """The delivery as it may be stored. Its `body_hash` stays that of the body as it came."""
        if delivery.body is None or not self._may_hold(delivery.body):
            return delivery
        # Latin-1 keeps every byte of a body that is not UTF-8
        coding = "utf-8" if delivery.reason is None else "latin-1"
        text = delivery.body.decode(coding)
        spans = self._spans(text) if delivery.reason is None else self._spans_of_any(text)
        if not spans:
            return delivery
        body = _replaced(text, spans).encode(coding)
        return replace(
            delivery,
            body=body,
            redacted=delivery.redacted + len(spans),
            stored_hash=hashlib.sha256(body).digest() if delivery.reason is None else None,
        )

    def _may_hold(self, body: bytes) -> bool:
        if not self._names:
            return False
        lowered = body.lower()
        if any(marker in lowered for marker in self._markers):
            return True
        return b"\\u00" in lowered and any(escape in lowered for escape in _HIDING)

    def _spans(self, text: str) -> list[Span]:
        """The values to replace in a JSON text, in order."""
        spans: list[Span] = []
        position = 0
        while (found := _STRING.search(text, position)) is not None:
            position = found.end()
            raw = found[1]
            if found[2] is not None and self._is_name(raw):
                end = _value_end(text, position)
                if text[position:end] not in _NO_SECRET:
                    spans.append(Span(position, end, REPLACEMENT))
                position = end
            elif "\\" in raw or "'" in raw:  # without quotes in it, a string holds no field
                spans += self._spans_within(raw, found.start(1))
        return spans

    def _spans_within(self, raw: str, offset: int) -> Iterator[Span]:
        """The values to replace in a JSON string whose text is JSON or looks like it."""
        if not self._may_hold(raw.encode(errors="replace")):
            return
        text, offsets = _unescaped(raw)
        for start, end, replacement in self._spans_of_any(text):
            inner = json.dumps(replacement)[1:-1]
            yield Span(offset + offsets(start), offset + offsets(end), inner)

    def _spans_of_any(self, text: str) -> list[Span]:
        return self._spans(text) if _is_json(text) else list(self._spans_of_words(text))

    def _spans_of_words(self, text: str) -> Iterator[Span]:
        """The values of what looks like a field, in a text that is no JSON."""
        position = 0
        while (found := self._field.search(text, position)) is not None:
            position = found.end("quote")
            name_start, quote = found.start(), found["quote"]
            if not text.startswith(quote, name_start - len(quote)):
                continue  # the end of a longer name
            if (opening := found["open"]) is not None:
                start = found.end()
                end = _closing(text, start, opening)
                replacement = REPLACEMENT[1:-1]
            else:
                start = found.start("bare")
                end = _value_end(text, start)
                replacement = f"{quote}{REPLACEMENT[1:-1]}{quote}"
            position = max(position, end)
            if text[start:end] not in _NO_SECRET:
                yield Span(start, end, replacement)

    def _is_name(self, raw: str) -> bool:
        if "\\" in raw:
            raw, _ = _unescaped(raw)
        return raw.lower() in self._names


def _spellings(name: str) -> set[str]:
    return {separator.join(_SEPARATORS.split(name.lower())) for separator in ("_", "-", "")}


def _is_json(text: str) -> bool:
    try:
        _DECODER.decode(text)
    except (ValueError, RecursionError):
        return False
    return True


# float for integers: Python refuses to make an int of more than 4,300 digits
_DECODER = json.JSONDecoder(parse_int=float)


def _value_end(text: str, start: int) -> int:
    """The end of the value that begins at `start`; the end of the text if it is cut off."""
    if text[start : start + 1] not in ("{", "["):
        found = _SCALAR.match(text, start)
        return found.end() if found else start
    depth = 0
    for sign in _SIGN.finditer(text, start):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(sign[0], 0)
        if not depth:
            return sign.end()
    return len(text)


def _closing(text: str, start: int, quote: str) -> int:
    """The end of a quoted text: before a quote like the first, or the end of `text`."""
    end = text.find(quote, start)
    while end > start and text[end - 1] == "\\":  # a quote within
        end = text.find(quote, end + 1)
    return end if end >= 0 else len(text)


def _unescaped(raw: str) -> tuple[str, _Offsets]:
    """The text of a JSON string, and the offset in `raw` of each of its characters."""
    parts: list[str] = []
    offsets = _Offsets()
    end = 0
    for escape in _ESCAPE.finditer(raw):
        start = escape.start()
        if start > end:
            offsets.add(end, start - end)
            parts.append(raw[end:start])
        end = escape.end()
        first, second, short = escape.groups()
        if short is not None:
            said = _SHORT.get(short, short)
        else:
            said = chr(int(first, 16))
            if second is not None:
                if "\ud800" <= said < "\udc00" and "dc00" <= second.lower() < "e000":
                    said = json.loads(f'"{escape[0]}"')
                else:  # two characters, of which the second has an offset of its own
                    offsets.add(start, 1)
                    parts.append(said)
                    start, said = start + 6, chr(int(second, 16))
        offsets.add(start, 1)
        parts.append(said)
    offsets.add(end, len(raw) - end)
    parts.append(raw[end:])
    return "".join(parts), offsets


class _Offsets:
    def __init__(self) -> None:
        self._said: list[int] = []
        self._raw: list[int] = []
        self._length = 0

    def add(self, raw: int, length: int) -> None:
        """The next `length` characters begin at `raw`. One character alone may be an escape."""
        self._said.append(self._length)
        self._raw.append(raw)
        self._length += length

    def __call__(self, said: int) -> int:
        at = bisect_right(self._said, said) - 1
        return self._raw[at] + said - self._said[at]


def _replaced(text: str, spans: Sequence[Span]) -> str:
    parts: list[str] = []
    position = 0
    for span in spans:
        parts += (text[position : span.start], span.text)
        position = span.end
    return "".join([*parts, text[position:]])
