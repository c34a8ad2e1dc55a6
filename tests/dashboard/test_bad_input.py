"""What cannot be answered is answered with a sentence that says what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from fluents_connector.errors import BufferUnavailable
from tests.dashboard.visitors import Visitor, in_words


@pytest.mark.parametrize(
    ("path", "code", "says"),
    [
        ("/call?id=none", 404, "There is no call none in the warehouse"),
        ("/call", 404, "The URL names no call"),
        ("/call.json?id=none", 404, "There is no call none"),
        ("/nothing", 404, "There is no such page"),
        ("/?from=yesterday", 400, "write it as 2026-01-31"),
        ("/?from=2026-02-01&to=2026-01-01", 400, "is after the last"),
        ("/?from=0001-01-01", 400, "from 1970 to 2200"),
        ("/?span=century", 400, "A span is one of today"),
        ("/?direction=up", 400, "A direction is one of"),
        ("/calls?sort=luck", 400, "sorted by one of"),
        ("/calls?order=up", 400, "asc or desc"),
        ("/calls?outcome=fine", 400, "An outcome is one of"),
        ("/calls?with=luck", 400, "What a call has is one of"),
        ("/calls?min=long", 400, "no number of seconds"),
        ("/calls?min=nan", 400, "is from 0 to"),
        ("/calls?min=5&max=5", 400, "min must be less than max"),
        ("/calls?page=0", 400, "write a number from 1"),
        ("/calls?page=" + "9" * 40, 400, "write a number from 1"),
        ("/calls.csv?sort=luck", 400, "sorted by one of"),
        ("/calls?q=" + "x" * 600, 400, "500 letters at most"),
        ("/calls?q=" + "x" * 3000, 400, "longer than 2,000 letters"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_question_is_answered_with_a_sentence(
    path: str, code: int, says: str, visitor: Visitor
) -> None:
    assert says in visitor.words(path, code)


def test_a_page_beyond_the_last_is_the_last(visitor: Visitor) -> None:
    assert "Next" not in visitor.words("/calls?span=all&page=999999")


def test_only_get_is_answered(visitor: Visitor) -> None:
    assert visitor.client.post("/calls").status_code == 405
    assert visitor.client.delete("/").status_code == 405


def test_an_empty_field_of_a_form_is_no_part_of_the_link(visitor: Visitor) -> None:
    response = visitor.get("/calls?span=28d&from=2025-12-15&to=2026-01-11&agent=&q=&sort=cost", 302)
    assert response.location == "/calls?span=28d&sort=cost"
    changed = visitor.get("/calls?span=7d&from=2026-01-06&to=2026-01-11", 302)
    assert changed.location == "/calls?from=2026-01-06&to=2026-01-11"


def test_a_warehouse_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    with Visitor(tmp_path / "none.duckdb") as visitor:
        said = visitor.words("/")
        assert "Waiting for the first delivery" in said
        assert "fluents-warehouse run" in said
        assert "Waiting for the first delivery" in visitor.words("/calls.csv")


def test_what_is_no_warehouse_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.duckdb").write_text("no database")
    with Visitor(tmp_path / "text.duckdb") as visitor:
        assert "The warehouse cannot be read" in visitor.words("/", 503)


def test_a_warehouse_of_another_version_says_to_load(tmp_path: Path, week: Path) -> None:
    older = tmp_path / "older.duckdb"
    shutil.copyfile(week, older)
    with duckdb.connect(str(older)) as connection:
        connection.execute("drop view analytics.headline_daily cascade")
    with Visitor(older) as visitor:
        said = in_words(visitor.get("/?span=all").text)
        assert "could not be finished" in said
        assert "fluents-warehouse load" in said
    with duckdb.connect(str(older)) as connection:
        connection.execute("drop schema analytics cascade")
    with Visitor(older) as visitor:
        assert "run `fluents-warehouse load`" in visitor.words("/calls", 503)


def test_a_buffer_that_cannot_be_read_hides_no_figure(week: Path) -> None:
    def status() -> dict[str, object]:
        raise BufferUnavailable("The buffer is locked.")

    with Visitor(week, status=status) as visitor:
        assert "The buffer is locked." in visitor.words("/quality?span=all")
