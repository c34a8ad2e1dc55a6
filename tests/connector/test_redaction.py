"""Values of secret fields are replaced, wherever they are, and nothing else of a body is."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st

from fluents_connector.delivery import is_as_received
from fluents_connector.redaction import Redactor
from fluents_connector.settings.payload_fields import SECRET_FIELDS
from tests.deliveries import body, delivery

REDACTOR = Redactor(SECRET_FIELDS)
SECRET = "s3cr3t-VALUE"  # noqa: S105 # what the tests look for


def stored(content: bytes) -> bytes:
    kept = REDACTOR.redacted(delivery(content)).body
    assert kept is not None
    return kept


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (rb'"secret" : "x\"y"', rb'"secret" : "[redacted]"'),
        (rb'"\u0073ecret":"x"', rb'"\u0073ecret":"[redacted]"'),
        (rb'"API-Key": 1.50e3, "n": 1.50e3', rb'"API-Key": "[redacted]", "n": 1.50e3'),
        (rb'"apiKey":["x",{"y":"]"}],"a":1', rb'"apiKey":"[redacted]","a":1'),
        (rb'"credentials":{"sid":"}","t":[1]} ,"b":2', rb'"credentials":"[redacted]" ,"b":2'),
        (rb'"secret":"x","secret":"y"', rb'"secret":"[redacted]","secret":"[redacted]"'),
        (rb'"secret":null,"token":"","password":true', None),
        (rb'"secrets_found":"x","my secret":"y","e":"the secret: x"', None),
        (rb'"a":"{\"secret\": \"x\\\"y\", \"b\": 1}"',
         rb'"a":"{\"secret\": \"[redacted]\", \"b\": 1}"'),
        (rb'"a":"{\"\\u0073ecret\":1}"', rb'"a":"{\"\\u0073ecret\":\"[redacted]\"}"'),
        (rb'"a":"{\u0022secret\u0022:\u0022x\u0022}"',
         rb'"a":"{\u0022secret\u0022:\"[redacted]\"}"'),
        (rb'"a":"\ud83d\ude00 done: {\"secret\":\"x\"} \u00e9"',
         rb'"a":"\ud83d\ude00 done: {\"secret\":\"[redacted]\"} \u00e9"'),
        (rb"""{"a":"{'auth_token': 'x', 'n': 1}"}"""[1:-1],
         rb"""{"a":"{'auth_token': '[redacted]', 'n': 1}"}"""[1:-1]),
    ],
)  # fmt: skip
def test_only_the_value_of_a_secret_field_changes(content: bytes, expected: bytes | None) -> None:
    start, end = b'{"call_id":"c","type":"t",  ', '\t,"é":"é\\u00e9"}\n'.encode()
    assert stored(start + content + end) == start + (expected or content) + end


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (rb'{"a": 1, "secret": "x', rb'{"a": 1, "secret": "[redacted]'),
        (rb'{"secret": "x\"y", "a": \xff', rb'{"secret": "[redacted]", "a": \xff'),
        (b'{"secret": "\xff", "a"', b'{"secret": "[redacted]", "a"'),
        (b"{'secret': 12, 'a': ", b"{'secret': '[redacted]', 'a': "),
        (rb'{"a": "{\"secret\": \"x\"}", "b', rb'{"a": "{\"secret\": \"[redacted]\"}", "b'),
        (b'[{"secret": {"a": 1}}]', b'[{"secret": "[redacted]"}]'),
        (b'{"secret": {"a": 1', b'{"secret": "[redacted]"'),
    ],
)
def test_a_body_that_is_no_event_is_redacted_as_far_as_it_can_be_read(
    content: bytes, expected: bytes
) -> None:
    refused = REDACTOR.redacted(delivery(content))
    assert refused.reason is not None
    assert (refused.body, refused.redacted) == (expected, 1)


def test_the_hash_that_tells_duplicates_is_of_the_body_as_it_came() -> None:
    first = delivery(body("event_error", {"secret": "one"}))
    other = delivery(body("event_error", {"secret": "two"}))
    kept = [REDACTOR.redacted(one) for one in (first, other)]
    assert kept[0].body == kept[1].body
    assert [one.body_hash for one in kept] == [first.body_hash, other.body_hash]
    assert first.body_hash != other.body_hash
    assert all(map(is_as_received, kept))
    changed = kept[0].body.replace(b"event_error", b"event_errOr")  # type: ignore[union-attr]
    damaged = kept[0].__class__(**{**_fields(kept[0]), "body": changed})
    assert not is_as_received(damaged)


def _fields(of: Any) -> dict[str, Any]:
    return {name: getattr(of, name) for name in of.__slots__}


def test_no_names_turn_it_off() -> None:
    plain = delivery(body("event_error", {"secret": "x"}))
    assert Redactor([]).redacted(plain) is plain


NAMES = st.sampled_from(
    [*SECRET_FIELDS, *(name.upper() for name in SECRET_FIELDS), "apiKey", "x", "it's", "é", "a b"]
)
SECRETS = {name.lower().replace("_", mark) for name in SECRET_FIELDS for mark in ("_", "-", "")}
LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8) | st.just("secret: x")


def as_text(value: Any, seed: int) -> str:
    """JSON in one of its many spellings, escapes of names included."""
    chance = random.Random(seed)  # noqa: S311
    text = json.dumps(value, ensure_ascii=chance.random() < 0.5, indent=chance.choice([None, 1]))
    if chance.random() < 0.3:
        text = text.replace("ecre", "ecr\\u0065") if "\\\\" not in text else text
    return text


VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(NAMES, inner, max_size=4)
    | st.builds(lambda value, seed: json.dumps(value) if seed % 2 else as_text(value, seed),
                inner, st.integers(0, 99)),
    max_leaves=20,
)  # fmt: skip


def marked(value: Any, within: bool = False) -> Any:
    """`value` with each leaf below a secret field replaced by the secret."""
    if isinstance(value, dict):
        return {
            name: (item if item is None or isinstance(item, bool) or item == "" else SECRET)
            if name.lower() in SECRETS
            else marked(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [marked(item) for item in value]
    if isinstance(value, str):
        try:
            inner = json.loads(value)
        except ValueError:
            return value
        return json.dumps(marked(inner)) if isinstance(inner, dict | list | str) else value
    return value


def expected(value: Any) -> Any:
    """What is to be stored of a value, with JSON within text read."""
    if isinstance(value, dict):
        return {
            name: "[redacted]" if name.lower() in SECRETS and item == SECRET else expected(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [expected(item) for item in value]
    if isinstance(value, str):
        try:
            return expected(json.loads(value))
        except ValueError:
            return value
    return value


@given(payload=VALUES, seed=st.integers(0, 1000))
@with_settings(max_examples=300, deadline=None)
def test_of_any_json_no_secret_is_left_and_all_else_stays(payload: Any, seed: int) -> None:
    event = marked({"call_id": "c", "type": "t", "payload": payload})
    content = as_text(event, seed).encode()
    kept = REDACTOR.redacted(delivery(content))
    assert kept.body is not None
    assert SECRET.encode() not in kept.body
    assert expected(json.loads(kept.body)) == expected(event)
    assert kept.redacted == content.count(SECRET.encode())
    parts = content.split(SECRET.encode())
    if kept.redacted == 0:
        assert kept.body == content
    assert len(kept.body) == len(content) + kept.redacted * (len("[redacted]") - len(SECRET))
    assert kept.body == b"[redacted]".join(parts)
    assert is_as_received(kept)


@pytest.mark.attack
@pytest.mark.parametrize(
    "bomb",
    [
        b'{"call_id":"c","type":"t","secret":1,"a":"%s"}' % (rb"\"" * 5_000_000),
        b'{"call_id":"c","type":"t","secret":1,"a":[%s1]}' % (b'"x",' * 2_000_000),
        b'{"call_id":"c","type":"t",%s"a":1}' % (b'"secret":1,' * 900_000),
        b'{"secret' + b" " * 10_000_000,
        b'{"secret' + b"\\" * 10_000_000,
        b'{"a' + b"secret\\\\" * 1_000_000,
        b'{"a":' + b'"secret":"' * 1_000_000,
        b'{"a":' + b'"secret":' * 1_000_000,
        b'{"a":' + b'"secret":{' * 1_000_000,
        b'{"a":' + b'"secret":\\"x' * 800_000,
    ],
    ids=range(10),
)
def test_a_bomb_ends_in_memory_in_proportion_to_its_size(bomb: bytes) -> None:
    # each took hours or gigabytes by a pattern that goes back
    kept = REDACTOR.redacted(delivery(bomb))
    assert kept.body is not None
    assert kept.redacted or kept.body == bomb
