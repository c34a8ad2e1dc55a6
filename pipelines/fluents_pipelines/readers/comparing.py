"""How a search compares texts.

Alike are upper and lower case, letters with and without accents and vowel points, letters of
another width, ligatures, typographic and plain quotes and dashes, and any white space. Each
character is compared by itself, so that what was found has a place in the text as it is shown.

`sql/models/search_texts.sql` keeps a form of each call's texts that is never stricter: what matches
here also matches there, whichever calls it is asked for.
"""

from __future__ import annotations

import re
import unicodedata

INVISIBLE = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
"""Soft hyphens, joiners, and marks of direction, as a class of a regular expression."""

_GAP = re.compile(rf"[\s{INVISIBLE}]*\s[\s{INVISIBLE}]*")
_NARROW = re.compile("[\uff66-\uff9f]+")  # half-width katakana, where ガ is two characters
_PLAIN = {
    **dict.fromkeys("\u2018\u2019", "'"),
    **dict.fromkeys("\u201c\u201d", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014", "-"),
}
_VOICING, _VIRAMA = 8, 9
"""Classes of marks that make another letter, as in ガ, or another word, as in क्या: no accents."""


class _Forms(dict[int, str]):
    """What a character is compared as, by its number."""

    def __missing__(self, number: int) -> str:
        self[number] = form = _form(chr(number))
        return form


_FORMS = _Forms()


def shown(text: str) -> str:
    """The text as it is searched and shown: composed, and with one space for any white space."""
    if text.isascii():
        return " ".join(text.split())
    wide = _NARROW.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    return _GAP.sub(" ", unicodedata.normalize("NFC", wide)).strip()


def compared(text: str) -> str:
    """What `shown` gave, in the form in which two texts are compared."""
    return text.lower() if text.isascii() else text.translate(_FORMS)


def matched(text: str, wanted: list[str]) -> tuple[int, int] | None:
    """Where the first of `wanted`, in their compared form, stands in what `shown` gave.

    From and up to which character; None if any of them is not in it.
    """
    form = compared(text)
    first, length = len(form), 0
    for one in wanted:
        place = form.find(one)
        if place < 0:
            return None
        if place < first:
            first, length = place, len(one)
    return _place(text, first), _place(text, first + length - 1) + 1


def marked(text: str, wanted: list[str]) -> list[tuple[str, bool]]:
    """What `shown` gave, in parts, and whether each is one of `wanted`."""
    parts = []
    while found := min(filter(None, (matched(text, [one]) for one in wanted)), default=None):
        first, last = found
        parts += [(text[:first], False), (text[first:last], True)]
        text = text[last:]
    return [(part, is_one) for part, is_one in [*parts, (text, False)] if part]


def _place(text: str, of_form: int) -> int:
    """The character of `text` whose form has the character `of_form` of its compared form."""
    place, reached, step = 0, 0, len(text)
    while step > 1:  # in ever smaller parts, as a text may have millions of characters
        step = max(1, step // 64)
        while (length := len(compared(text[place : place + step]))) + reached <= of_form:
            place, reached = place + step, reached + length
    return place


def _form(character: str) -> str:
    if character in _PLAIN:
        return _PLAIN[character]
    if re.match(f"[{INVISIBLE}]", character):
        return ""
    apart = unicodedata.normalize("NFKD" if _is_of_other_width(character) else "NFD", character)
    folded = unicodedata.normalize("NFD", _without_accents(apart).casefold())
    # together again what is one letter: か is not found in が, nor a part of a syllable of Korean
    return unicodedata.normalize("NFC", _without_accents(folded))


def _is_of_other_width(character: str) -> bool:
    return any(
        first <= character <= last
        for first, last in (("\ufb00", "\ufb06"), ("\uff01", "\uff65"), ("\uffe0", "\uffee"))
    ) and (character != "\uffe3")  # that is a space with an accent


def _without_accents(text: str) -> str:
    return "".join(
        c
        for c in text
        if unicodedata.combining(c) in (0, _VOICING, _VIRAMA) and not "\ufe00" <= c <= "\ufe0f"
    )
