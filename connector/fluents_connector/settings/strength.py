"""Finds secrets that a person made up and others can guess. Generated ones pass."""

from __future__ import annotations

import re
from itertools import pairwise

MIN_DIFFERENT = 8  # 24 random hexadecimal digits have fewer in 3 of 100,000 cases

# Each has six letters or more, as random tokens hold shorter words too often.
_WORDS = re.compile(
    "change.?me|default|example|fluents|letmein|password|placeholder|qwerty|replace.?me|secret"
    "|webhook",
    re.IGNORECASE,
)


def weakness(secret: str) -> str | None:
    """Why `secret` can be guessed, as the predicate of a sentence about it; None if it cannot."""
    if len(set(secret)) < MIN_DIFFERENT:
        return f"has fewer than {MIN_DIFFERENT} different characters"
    if any(_repeats(secret, period) for period in range(1, len(secret) // 2 + 1)):
        return "repeats itself"
    # such as abcdefghijkl or 987654321
    steps = [ord(after) - ord(before) for before, after in pairwise(secret)]
    if max(steps.count(1), steps.count(-1)) > len(steps) * 3 // 4:
        return "only counts up or down"
    if word := _WORDS.search(secret):
        return f"holds the word {word[0].lower()!r}, as one that was thought up does"
    return None


def _repeats(secret: str, period: int) -> bool:
    return secret[period:] == secret[:-period]
