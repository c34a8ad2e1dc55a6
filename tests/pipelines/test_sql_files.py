from __future__ import annotations

import re
from pathlib import Path

import pytest

from fluents_connector.errors import ModelError
from fluents_pipelines.models import built_in
from fluents_pipelines.sql_files import (
    column_comments,
    in_order,
    line_of_references,
    read_folder,
    references,
    sql_folder,
)
from fluents_pipelines.tables import NORMALIZED


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, sql in files.items():
        (folder / f"{name}.sql").write_text(sql)
    return folder


def test_a_file_comes_after_those_that_it_selects_from(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "sql",
        a="select * from analytics.b join c using (x)",
        b="with c as (select 1 as x) select * from c",
        c="select * from fluents.events",
    )
    names = [file.name for file in in_order(read_folder(folder))]
    assert names.index("a") == 2


def test_a_name_defined_inside_a_file_is_no_reference(tmp_path: Path) -> None:
    folder = write(tmp_path / "sql", b="with c as (select 1 as x) select * from c, fluents.d")
    assert references(read_folder(folder)[0]) == {"d"}


def test_a_file_whose_text_changed_is_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "sql"
    for source in ("c", "d", "c"):
        write(folder, a=f"select\n-- Of {source}.\nx from analytics.{source}")
        (file,) = read_folder(folder)
        assert references(file) == {source}
        assert line_of_references(file, "analytics") == {source: 3}
        assert column_comments(file) == {"x": f"Of {source}."}


def test_models_that_select_from_each_other_are_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "sql", a="select * from b", b="select * from a")
    with pytest.raises(ModelError, match=r"select from each other: .*→"):
        in_order(read_folder(folder))


def test_sql_that_cannot_be_parsed_names_its_file(tmp_path: Path) -> None:
    folder = write(tmp_path / "sql", broken="select from where (")
    with pytest.raises(ModelError, match=r"broken\.sql"):
        in_order(read_folder(folder))


def test_an_empty_folder_is_an_error_and_not_an_empty_warehouse(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no \.sql file"):
        read_folder(write(tmp_path / "sql"))


def test_the_steps_of_a_file_are_in_a_folder_of_its_name_each_after_those_it_selects_from(
    tmp_path: Path,
) -> None:
    folder = write(tmp_path / "sql", model="select * from steps.a")
    write(folder / "model", a="select * from steps.b", b="select 1 as x, d.* from fluents.d")
    (model,) = read_folder(folder)
    assert [step.name for step in model.steps] == ["b", "a"]
    assert references(model) == {"a", "b", "d"}
    assert "steps." not in model.whole_sql


def test_a_header_gives_description_grain_key_and_questions(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "sql",
        a="-- What it is,\n-- in words.\n-- grain: one a\n-- key: a_id\n"
        "-- questions: How many?\n--   How long?\nselect 1 -- not this",
    )
    file = read_folder(folder)[0]
    assert file.description == "What it is, in words."
    assert file.header == {
        "grain": "one a",
        "key": "a_id",
        "questions": "How many? How long?",
    }


def test_every_normalized_table_has_its_transform_and_no_other() -> None:
    names = {file.name for file in read_folder(sql_folder() / "tables")}
    assert names == {table.name for table in NORMALIZED}


def test_every_model_says_what_it_is_its_grain_key_and_questions() -> None:
    for model in built_in.models():
        assert model.description, model.path
        assert set(model.header) - {"materialized", "needs", "time"} == {
            "grain",
            "key",
            "questions",
        }, model.path
        assert model.header.get("materialized", "table") == "table", model.path
        assert "?" in model.header["questions"], model.path


def test_no_model_uses_if_which_duckdb_1_5_cannot_read_in_a_file_of_duckdb_2() -> None:
    for model in built_in.models():
        assert not re.search(r"\bif\s*\(", model.sql), model.path


def test_every_check_belongs_to_a_model_and_states_its_claim() -> None:
    names = {model.name for model in built_in.models()}
    for check in built_in.checks():
        assert check.name.split("__")[0] in names, check.path
        assert check.description, check.path
    assert {check.name.split("__")[0] for check in built_in.checks()} == names
