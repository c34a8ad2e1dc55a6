# ruff: noqa: RUF001 # characters that look alike are what this is about
"""What counts as the same in a search, character by character, here and in the warehouse."""

from __future__ import annotations

import unicodedata

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluents_pipelines.readers.comparing import compared, marked, matched, shown
from fluents_pipelines.sql_files import sql_folder
from tests.pipelines.readers.spoken import Call, model, warehouse

ALIKE = [
    pytest.param("Refund", "rEFUND", id="case"),
    pytest.param("Café", "CAFE", id="accent"),
    pytest.param("cafe\u0301", "café", id="combining mark"),
    pytest.param("Straße", "STRASSE", id="sharp s"),
    pytest.param("STRAẞE", "strasse", id="capital sharp s"),
    pytest.param("İstanbul", "istanbul", id="dotted I"),
    pytest.param("Ｆｕｌｌ　１２", "full 12", id="full width"),
    pytest.param("ｶﾞｽ", "ガス", id="half-width katakana"),
    pytest.param("か\u3099す", "がす", id="voicing mark of its own"),
    pytest.param("ﬁnal", "final", id="ligature"),
    pytest.param("ΟΔΟΣ", "οδος", id="sigma at the end"),
    pytest.param("مَرْحَبًا", "مرحبا", id="Arabic vowel points"),
    pytest.param("שָׁלוֹם", "שלום", id="Hebrew vowel points"),
    pytest.param("don’t", "don't", id="apostrophe"),
    pytest.param("9–5", "9-5", id="dash"),
    pytest.param("co\u00adop", "coop", id="soft hyphen"),
    pytest.param("a\u00a0b\n c", "a b c", id="white space"),
    pytest.param("☎️", "☎", id="emoji in colour"),
    pytest.param("한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8", id="Korean, in parts"),
]
PLAIN = ("CJK UNIFIED", "HANGUL SYLLABLE", "TANGUT", "EGYPTIAN", "CUNEIFORM", "YI SYL", "BAMUM")
OTHER = [
    pytest.param("カ", "ガ", id="voiced katakana"),
    pytest.param("か", "が", id="voiced hiragana"),
    pytest.param("はは", "ぱぱ", id="half-voiced"),
    pytest.param("कि", "का", id="Hindi vowels"),
    pytest.param("क्या", "कया", id="virama"),
    pytest.param("하", "한", id="part of a syllable"),
    pytest.param("100%", "100", id="percent"),
    pytest.param("a_b", "a b", id="underscore"),
]


def characters() -> list[str]:
    """Every one; of the many that have no other form, ideographs and the like, each fiftieth."""
    return [
        character
        for n in range(1, 0x110000)
        if unicodedata.category(character := chr(n)) not in ("Cn", "Co", "Cs")
        and (n % 50 == 0 or not unicodedata.name(character, "").startswith(PLAIN))
    ]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_these_are_alike(one: str, other: str) -> None:
    assert compared(shown(one)) == compared(shown(other))


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_these_are_not(one: str, other: str) -> None:
    assert matched(shown(other), [compared(shown(one))]) is None


@pytest.mark.parametrize(
    ("text", "word", "found"),
    [
        ("Die Straße hier", "strasse", "Straße"),
        ("Die Straße hier", "ss", "ß"),
        ("Groß-ﬁre", "ire", "ﬁre"),
        ("in Cafe\u0301s", "café", "Café"),
        ("x" * 100_000 + "ÉTÉ" + "y" * 100_000, "ete", "ÉTÉ"),
    ],
)
def test_what_was_found_has_its_place_in_the_text(text: str, word: str, found: str) -> None:
    whole = shown(text)
    place = matched(whole, [compared(shown(word))])
    assert place is not None
    assert whole[slice(*place)] == found


@given(st.text(), st.text())
def test_the_place_of_any_word_reads_as_that_word(before: str, word: str) -> None:
    whole, form = shown(f"{before}{word}-"), compared(shown(word)).strip()
    if form and (place := matched(whole, [form])):
        assert form in compared(whole[slice(*place)])


def test_all_that_was_looked_for_is_marked() -> None:
    parts = marked("Straße, STRASSE und Cafés", ["strasse", "cafe"])
    assert [part for part, is_one in parts if is_one] == ["Straße", "STRASSE", "Café"]
    assert "".join(part for part, _ in parts) == "Straße, STRASSE und Cafés"


def test_the_warehouse_is_never_stricter_for_any_character() -> None:
    """Its form of what a character is compared as is its form of the character."""
    texts = {}
    for character in characters():
        form = compared(shown(character))
        if not character.isspace():
            texts[character] = form
    with warehouse() as connection:
        given_and_compared = [*texts, *texts.values()]
        rows = pa.table(
            {
                "call_id": [str(n) for n in range(len(given_and_compared))],
                "text": given_and_compared,
            }
        )
        connection.register("given", rows)
        connection.execute(
            "insert into fluents.calls (call_id) select call_id from given;"
            "insert into fluents.post_call_results (call_id, result_text)"
            " select call_id, 'x' || text || 'y' from given"
        )
        kept = dict(connection.execute(f"select call_id, results from ({model()})").fetchall())
    half = len(texts)
    stricter = [
        (character, kept[str(n)], kept[str(n + half)])
        for n, character in enumerate(texts)
        if kept[str(n)] != kept[str(n + half)]
    ]
    assert stricter == []


def test_a_text_with_a_character_0_is_kept_whole() -> None:
    with warehouse([Call("zero", turns=[("human", "é\0refund é")])]) as connection:
        ((kept,),) = connection.execute("select transcripts from analytics.search_texts").fetchall()
    assert kept == "e refund e"


def test_the_pieces_of_a_word_are_written_as_the_warehouse_keeps_them() -> None:
    sql = (sql_folder() / "search" / "pieces.sql").read_text(encoding="utf-8")
    with duckdb.connect() as connection:
        ((found,),) = connection.execute(sql, {"pieces": ["ガス", "कि", "ß", "σς"]}).fetchall()
    assert found == ["カス", "क", "ss", "σσ"]
