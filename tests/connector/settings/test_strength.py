"""A secret that was thought up is named as weak; one that a generator made is not."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest

from fluents_connector.settings.strength import weakness
from tests.deliveries import TOKEN

WEAK = {
    "one character": ("a" * 40, "different"),
    "few characters": ("abab-cdcd-abab-cdcd-abab-cdcdcd", "different"),
    "a text twice": ("kT9-x_Qz4Rw7" * 2, "repeats"),
    "a text and a half more": ("kT9-x_Qz4Rw7" * 2 + "kT9-", "repeats"),
    "changeme again and again": ("changeme-" * 4, "repeats"),
    "the alphabet": ("abcdefghijklmnopqrstuvwxyz", "counts"),
    "the alphabet backwards": ("ZYXWVUTSRQPONMLKJIHGFEDCBA", "counts"),
    "changeme": ("changeme-0-prod-xyz-4321-aa", "'changeme'"),
    "change-me": ("Please-CHANGE-ME-before-prod", "'change-me'"),
    "a placeholder": ("your-placeholder-goes-here-1", "'placeholder'"),
    "a password": ("Pa-my-password-is-long-4711", "'password'"),
    "what it is for": ("production-webhook-number-one", "'webhook'"),
}


@pytest.mark.parametrize(("secret", "word"), WEAK.values(), ids=WEAK)
def test_a_secret_that_was_thought_up_is_weak(secret: str, word: str) -> None:
    assert word in str(weakness(secret))


@pytest.mark.parametrize(
    "make",
    [secrets.token_urlsafe, lambda size: secrets.token_hex(size // 2)],
    ids=["base64url", "hexadecimal"],
)
def test_a_generated_secret_is_not(make: Callable[[int], str]) -> None:
    assert [weakness(make(32)) for _ in range(2_000)] == [None] * 2_000


def test_neither_is_that_of_the_tests() -> None:
    assert weakness(TOKEN) is None
