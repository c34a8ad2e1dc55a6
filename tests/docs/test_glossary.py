"""docs/glossary.md defines the terms of the project, each once."""

from __future__ import annotations

import re

from tests.docs.pages import page

GLOSSARY = page("docs/glossary.md")
TERMS = re.findall(r"^\| \*\*`?([^*`]+)`?\*\* \|", GLOSSARY, re.MULTILINE)
DEFINED = {
    *("delivery", "event", "quarantine", "publish", "validate", "authenticate", "position"),
    *("offset", "group commit", "built-in models", "custom models", "check", "acknowledged"),
    *("high-water mark", "replay", "retry", "recover", "refresh", "renew", "repair"),
}


def test_it_defines_each_term_of_the_field_that_is_used_here() -> None:
    assert {*TERMS} >= DEFINED


def test_no_term_is_defined_twice() -> None:
    assert len(TERMS) == len({*TERMS})
