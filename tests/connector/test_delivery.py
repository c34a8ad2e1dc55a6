"""Any bytes can be validated: they are an event with its ids, or go to the quarantine."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluents_connector.delivery import (
    IDENTITY_KEYS,
    MAX_DEPTH,
    REPEATABLE_TYPES,
    Delivery,
    _depth,
    is_as_received,
    new_event_id,
    too_large,
    validate,
)
from tests.attacks.hostile.bombs import BOMBS, MEGABYTE
from tests.deliveries import START, body, delivery

LAST_TIME = (2**48 - 1) * 1000 + 999  # microseconds that fit into a UUIDv7
times = st.integers(0, LAST_TIME)
bits = st.integers(0, 2**64)
any_text = st.text(st.characters(codec=None), max_size=8)  # surrogates included
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=12,
)
envelopes = st.fixed_dictionaries(
    {},
    optional={
        "call_id": any_json,
        "type": any_json | st.sampled_from(sorted(REPEATABLE_TYPES)),
        "payload": any_json,
    },
)


def nested(levels: int, opening: str, closing: str) -> bytes:
    """An event that is `levels` deep, its own object included."""
    inner = opening * (levels - 2) + opening[0] + closing * (levels - 1)
    return f'{{"call_id":"call-1","type":"event_error","payload":{inner}}}'.encode()


REFUSED = {
    "empty": (b"", "not_json"),
    "not JSON": (b"hello", "not_json"),
    "cut short": (b'{"call_id":"call-1"', "not_json"),
    "two objects": (body("event_error") * 2, "not_json"),
    "byte order mark": (b"\xef\xbb\xbf" + body("event_error"), "not_json"),
    "NaN": (b'{"call_id":"a","type":"b","payload":NaN}', "not_json"),
    "minus infinity": (b'{"call_id":"a","type":"b","payload":-Infinity}', "not_json"),
    "Latin-1": ('{"call_id":"é"}'.encode("latin-1"), "not_utf8"),
    "UTF-16": (body("event_error").decode().encode("utf-16"), "not_utf8"),
    "raw surrogate": (b'{"call_id":"\xed\xa0\x80"}', "not_utf8"),
    "list": (b"[]", "not_an_object"),
    "text": (b'"event"', "not_an_object"),
    "null": (b"null", "not_an_object"),
    "text full of brackets": (b'"' + b"[" * 1000 + b'"', "not_an_object"),
    "number": (b"12", "not_an_object"),
    "no call_id": (b'{"type":"event_error"}', "call_id_missing"),
    "call_id null": (b'{"call_id":null,"type":"event_error"}', "call_id_not_text"),
    "call_id number": (b'{"call_id":7,"type":"event_error"}', "call_id_not_text"),
    "call_id too long": (
        b'{"call_id":"%s","type":"event_error"}' % (b"c" * 1025),
        "call_id_too_long",
    ),
    "type too long": (b'{"call_id":"c","type":"%s"}' % ("é" * 1025).encode(), "type_too_long"),
    "call_id empty": (b'{"call_id":"","type":"event_error"}', "call_id_not_text"),
    "call_id half pair": (rb'{"call_id":"\ud800","type":"event_error"}', "call_id_not_text"),
    "no type": (b'{"call_id":"call-1"}', "type_missing"),
    "type object": (b'{"call_id":"call-1","type":{}}', "type_not_text"),
    "type empty": (b'{"call_id":"call-1","type":""}', "type_not_text"),
    "type half pair": (rb'{"call_id":"call-1","type":"\udfff"}', "type_not_text"),
    "a level too deep in lists": (nested(MAX_DEPTH + 1, "[", "]"), "too_deep"),
    "a level too deep in objects": (nested(MAX_DEPTH + 1, '{"a":', "}"), "too_deep"),
    "beyond Python's recursion": (b"[" * 200_000, "too_deep"),
}


@pytest.mark.parametrize(("content", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_event_is_kept_whole_with_the_reason(content: bytes, reason: str) -> None:
    refused = delivery(content)
    assert refused.reason == reason
    assert refused.detail
    assert refused.detail.endswith(".")
    assert refused.body == content
    assert (refused.call_id, refused.type, refused.body_hash) == (None, None, None)


ACCEPTED = {
    "smallest": b'{"call_id":"c","type":"t"}',
    "unknown type": body("event_of_tomorrow"),
    "unknown fields": body("event_error", {"a": 1}, agent="b", list=[1, [2]]),
    "payload of another kind": body("event_transcript", "text"),
    "whitespace around": b"\r\n " + body("event_error") + b"\n",
    "escaped pair": rb'{"call_id":"\ud83d\ude00","type":"t"}',
    "half pair elsewhere": rb'{"call_id":"c","type":"t","payload":"\ud800"}',
    "NUL": rb'{"call_id":"c\u0000","type":"t"}',
    "repeated key": b'{"call_id":1,"call_id":"c","type":"t"}',
    "integer of 100,000 digits": b'{"call_id":"c","type":"t","payload":' + b"9" * 100_000 + b"}",
    "negative integer of 30 digits": b'{"call_id":"c","type":"t","n":-' + b"9" * 30 + b"}",
    "float beyond the largest": b'{"call_id":"c","type":"t","n":1e999}',
    "as deep as allowed in lists": nested(MAX_DEPTH, "[", "]"),
    "as deep as allowed in objects": nested(MAX_DEPTH, '{"a":', "}"),
    "brackets within a text": body("event_error", "[{" * 500),
    "many shallow values": body("event_error", [{}] * 500),
}


@pytest.mark.parametrize("content", ACCEPTED.values(), ids=ACCEPTED)
def test_an_object_with_a_call_id_and_a_type_is_an_event(content: bytes) -> None:
    event = delivery(content, received_at=START, bits=5)
    assert (event.reason, event.detail) == (None, None)
    assert event.body == content
    assert (event.event_id, event.received_at) == (new_event_id(START, 5), START)
    assert json.loads(content, parse_int=str)["type"] == event.type
    assert event.body_hash == hashlib.sha256(content).digest()


def test_the_depth_of_a_value_counts_although_its_key_is_repeated() -> None:
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    content = b'{"call_id":"c","type":"t","payload":' + deep + b',"payload":1}'
    assert delivery(content).reason == "too_deep"


def levels(value: Any) -> int:
    """How deep `value` is, by asking each of its parts."""
    if isinstance(value, dict):
        return 1 + max(map(levels, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(levels, value), default=0)
    return 0


signs = st.text(st.sampled_from('[]{}"\\/ax'), max_size=6)
nests = st.recursive(
    signs,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(signs, inner, max_size=3),
    max_leaves=20,
)


@given(st.lists(nests))
def test_the_depth_is_counted_right_whatever_the_strings_hold(value: list[Any]) -> None:
    assert _depth(json.dumps(value).encode()) == levels(value)


@pytest.mark.parametrize("make", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_validated_like_any_body(make: Callable[[int], bytes]) -> None:
    content = make(MEGABYTE)
    assert 0.99 * MEGABYTE < len(content) <= MEGABYTE
    assert_validated(content)


def test_a_body_over_the_limit_is_recorded_without_it() -> None:
    refused = too_large(2048, webhook="main", received_at=START, event_id="id")
    assert refused == Delivery(
        "id",
        START,
        "main",
        None,
        reason="too_large",
        detail="The body has more bytes than max_body_bytes allows: 2,048.",
    )


@pytest.mark.parametrize("type_", sorted(REPEATABLE_TYPES))
@pytest.mark.parametrize(
    "payload",
    [None, "yes", [], {}, {"text": "yes"}, {"timestamp": None}, [{"id": 1}], {"a": {"id": 1}}],
    ids=str,
)
def test_a_repeatable_type_without_identity_has_no_hash(type_: str, payload: Any) -> None:
    assert delivery(body(type_, payload)).body_hash is None
    assert delivery(body("event_error", payload)).body_hash is not None


@pytest.mark.parametrize("type_", sorted(REPEATABLE_TYPES))
@pytest.mark.parametrize("key", sorted(IDENTITY_KEYS))
def test_a_time_or_an_id_identifies_a_repeatable_event(type_: str, key: str) -> None:
    assert delivery(body(type_, {key: 0})).body_hash is not None
    assert delivery(body(type_, **{key: "a"})).body_hash is not None


@given(times, times, bits, bits)
def test_ids_sort_as_the_times_do(first: int, second: int, some: int, others: int) -> None:
    ids = new_event_id(first, some), new_event_id(second, others)
    if first != second:
        assert (ids[0] < ids[1]) == (first < second)


@given(times, bits)
def test_ids_are_uuids_of_version_7_with_their_milliseconds(received_at: int, some: int) -> None:
    event_id = new_event_id(received_at, some)
    parsed = uuid.UUID(event_id)
    assert str(parsed) == event_id
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == received_at // 1000
    assert parsed.int & (2**62 - 1) == some % 2**62


def assert_validated(content: bytes) -> None:
    validated = validate(content, webhook="main", received_at=START, event_id="id")
    assert validated.body == content
    if validated.reason is None:
        assert validated.call_id
        assert validated.type
        assert validated.call_id.encode()
        assert validated.type.encode()
    else:
        assert validated.reason.replace("_", "").isalnum()
        assert validated.detail
        assert validated.detail.encode()  # the buffer stores it as text


@given(st.binary())
def test_any_bytes_can_be_validated(content: bytes) -> None:
    assert_validated(content)


@given(any_json | envelopes, st.booleans())
def test_any_json_can_be_validated(value: Any, escaped: bool) -> None:
    assert_validated(json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass"))


@given(envelopes, st.data())
def test_damaged_json_can_be_validated(value: Any, data: st.DataObject) -> None:
    content = bytearray(json.dumps(value).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(start, min(start + 4, len(content))))
        content[start:end] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"[", b'"', b"\\u"])
        )
    assert_validated(bytes(content))


def test_a_name_may_have_1024_characters_and_an_older_longer_one_is_still_as_received() -> None:
    assert delivery(body("é" * 1024, call_id="c" * 1024)).reason is None
    longer = body("event_error", call_id="c" * 1025)
    assert delivery(longer).reason == "call_id_too_long"
    stored = Delivery(
        webhook="main",
        received_at=1,
        event_id="e",
        body=longer,
        call_id="c" * 1025,
        type="event_error",
        body_hash=hashlib.sha256(longer).digest(),
    )
    assert is_as_received(stored)
    assert not is_as_received(replace(stored, body=longer.replace(b"c", b"d")))
