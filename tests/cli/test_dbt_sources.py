"""`models --dbt`: tables and models as sources of dbt, from the declarations and no second list."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest
import yaml

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import Settings
from fluents_connector.simulator import simulate
from fluents_pipelines.models.built_in import models
from fluents_pipelines.readers.dbt_sources import FILE, accepted_values, as_yaml, relations, write
from fluents_pipelines.sql_files import column_comments
from fluents_pipelines.sql_text import identifier
from fluents_pipelines.tables import ALL_TABLES, LOAD_ID
from fluents_pipelines.warehouse import open_published
from tests import warehouses
from tests.deliveries import Clock, append_all
from tests.processes import write_settings

Command = Callable[..., subprocess.CompletedProcess[str]]
Entry = dict[str, Any]

AWKWARD = """it's: "one" #1 {{ ref('x') }} {% endraw %} {# a #} {not} | > & * ! % @ ` ö \\n"""
CUSTOM = f"""-- {AWKWARD}
-- key: call_id, select
select
    -- One of group or order: {AWKWARD}
    direction as "select",
    -- {AWKWARD}
    call_id,
from fluents.calls
"""


def settings_in(folder: Path) -> Settings:
    mine = {"models_dir": folder / "models", "post_call_columns": {"sentiment": "text"}}
    return warehouses.settings_in(folder).model_copy(update=mine)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was published has a model of the user's, and texts that want to be something else."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "models").mkdir()
    (folder / "models" / "order.sql").write_text(CUSTOM)
    (folder / "models" / "weekly.sql").write_text("-- key: each week\nselect 1 as call_id")
    settings = settings_in(folder)
    buffer = SqliteBuffer(settings.buffer_file)
    append_all(buffer, [one.body for one in islice(simulate(seed=6), 300)], Clock())
    buffer.close()
    warehouses.load(settings)
    return folder


@pytest.fixture
def published(folder: Path, tmp_path: Path) -> Path:
    path = folder / "fluents_warehouse.duckdb"
    write_settings(tmp_path, warehouse_path=str(path), models_dir=str(folder / "models"))
    return path


def sources(file: Path) -> dict[str, dict[str, Entry]]:
    """The tables by their schemas and names."""
    read = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert {source["database"] for source in read["sources"]} == {"fluents_warehouse"}
    return {
        source["schema"]: {table["name"]: table for table in source["tables"]}
        for source in read["sources"]
    }


def checks_of(entry: Entry) -> Iterator[tuple[str, Entry]]:
    """The tests of a table or column: their names and arguments."""
    for test in entry.get("data_tests", []):
        yield from (
            [(test, {})]
            if isinstance(test, str)
            else [(name, one["arguments"]) for name, one in test.items()]
        )


@pytest.fixture(scope="module")
def written(folder: Path) -> dict[str, dict[str, Entry]]:
    settings = settings_in(folder)
    with open_published(settings) as connection:
        text = as_yaml(relations(connection, settings))
    return sources(write(folder / "dbt", text))


def test_every_table_and_model_is_a_source_with_its_columns_comments_and_types(
    written: dict[str, dict[str, Entry]], published: Path
) -> None:
    assert list(written["fluents"]) == [table.name for table in ALL_TABLES]
    ours = sorted(model.name for model in models())
    assert list(written["analytics"]) == [*ours, "order", "weekly"]
    for table in ALL_TABLES:
        entry = written["fluents"][table.name]
        assert entry["description"] == table.description
        assert {column["name"]: column["description"] for column in entry["columns"]} == {
            column.name: column.description for column in (*table.columns, LOAD_ID)
        }
    with duckdb.connect(str(published), read_only=True) as connection:
        for schema, entries in written.items():
            for name, entry in entries.items():
                described = connection.execute(f"describe {schema}.{identifier(name)}").fetchall()
                shown = [(one["name"], one["data_type"]) for one in entry["columns"]]
                assert shown == [(column, type_) for column, type_, *_ in described]
    without = [
        f"{name}.{column['name']}"
        for name, entry in written["analytics"].items()
        for column in [entry, *entry["columns"]]
        if name in ours and not column["description"]
    ]
    assert without == []


def test_every_key_is_unique_and_not_null(written: dict[str, dict[str, Entry]]) -> None:
    keys = {
        **{table.name: table.key for table in ALL_TABLES},
        **{model.name: tuple(model.header["key"].split(", ")) for model in models()},
        "order": ("call_id", "select"),
        "weekly": (),  # what its header says is no list of columns
    }
    for entries in written.values():
        for name, entry in entries.items():
            columns = {one["name"]: dict(checks_of(one)) for one in entry["columns"]}
            not_null = {column for column, of in columns.items() if "not_null" in of}
            assert not_null == {*keys[name]}
            unique = {(column,) for column, of in columns.items() if "unique" in of}
            for _, arguments in checks_of(entry):
                together = arguments["column_name"]
                unique.add(tuple(re.findall(r"\w+", together)))
            assert unique == ({keys[name]} if keys[name] else set())


def test_what_a_column_can_only_be_is_accepted_and_nothing_else_is_there(
    written: dict[str, dict[str, Entry]], published: Path, tmp_path: Path
) -> None:
    accepted = {
        (schema, name, column["name"]): arguments["values"]
        for schema, entries in written.items()
        for name, entry in entries.items()
        for column in entry["columns"]
        for test, arguments in checks_of(column)
        if test == "accepted_values"
    }
    assert accepted.pop(("analytics", "order", "select")) == ["group", "order"]
    assert accepted["fluents", "transcript_turns", "speaker"] == [
        *("bot", "human", "action", "conference", "unknown")
    ]
    assert {
        ("fluents", "calls", "direction"),
        ("fluents", "calls", "status"),
        ("fluents", "actions", "phase"),
        ("analytics", "call_summary", "outcome"),
        ("analytics", "calls_daily", "direction"),
        ("analytics", "conversation_turns", "speaker"),
    } <= accepted.keys()
    # texts of a hostile sender are none of them either
    for path in (published, warehouses.hostile(tmp_path)):
        with duckdb.connect(str(path), read_only=True) as connection:
            for (schema, name, column), values in accepted.items():
                sql = f"select distinct {column} from {schema}.{name} where {column} is not null"
                assert {value for (value,) in connection.execute(sql).fetchall()} <= {*values}, sql


def test_a_model_that_lists_the_values_of_a_column_says_that_it_has_no_other() -> None:
    silent = [
        (model.name, column, comment)
        for model in models()
        for column, comment in column_comments(model).items()
        if re.match(r"(\w+, )*\w+ or \w+[.:;]", comment)
    ]
    assert silent == []  # write: One of a, b or c


def test_calls_and_events_are_referred_to_but_by_models_of_the_user(
    written: dict[str, dict[str, Entry]],
) -> None:
    referring = {
        (name, column["name"]): arguments["to"]
        for entries in written.values()
        for name, entry in entries.items()
        for column in entry["columns"]
        for test, arguments in checks_of(column)
        if test == "relationships"
    }
    assert referring["events", "call_id"] == "source('fluents', 'calls')"
    assert referring["errors", "event_id"] == "source('fluents', 'events')"
    assert referring["call_summary", "call_id"] == "source('fluents', 'calls')"
    assert {("calls", "call_id"), ("events", "event_id")}.isdisjoint(referring)
    assert {"order", "weekly"}.isdisjoint(name for name, _ in referring)


def test_any_description_is_shown_as_it_is(written: dict[str, dict[str, Entry]]) -> None:
    entry = written["analytics"]["order"]
    shown = [
        jinja2.Template(one["description"], keep_trailing_newline=True).render()
        for one in (entry, *entry["columns"])
    ]
    assert shown == [AWKWARD.strip(), f"One of group or order: {AWKWARD}".strip(), AWKWARD.strip()]


@pytest.mark.parametrize(
    ("comment", "values"),
    [
        ("One of a or b.", ["a", "b"]),
        ("One of utf-8, b_2 or c: which it is.", ["utf-8", "b_2", "c"]),
        ("One of a, b or c; NULL where none says.", ["a", "b", "c"]),
        ("One row for each of a or b.", []),
        ("One of the calls.", []),
        ("Usually one of a or b.", []),
        ("a or b.", []),
        ("", []),
    ],
)
def test_only_a_list_that_says_so_is_all_there_can_be(comment: str, values: list[str]) -> None:
    assert accepted_values(comment) == values


def test_it_says_what_it_wrote_and_how_dbt_finds_it(
    command: Command, published: Path, tmp_path: Path
) -> None:
    printed = command("models", "--dbt", "deep/er").stdout
    count = len(ALL_TABLES) + len(models()) + 2
    assert printed.startswith(f"Wrote {count} tables and models to deep/er/{FILE}.\n")
    written = sources(tmp_path / "deep" / "er" / FILE)
    assert sum(map(len, written.values())) == count
    profile = yaml.safe_load(printed.partition("\n\n")[2].partition("\n\n")[0])
    attached = {"path": str(published), "alias": "fluents_warehouse", "read_only": True}
    assert profile == {"attach": [attached]}


@pytest.mark.attack
def test_its_own_file_is_replaced_and_no_other(
    command: Command, published: Path, tmp_path: Path
) -> None:
    path = tmp_path / FILE
    for content in (b"version: 2\n", b"", b"\xff\n"):
        path.write_bytes(content)
        ended = command("models", "--dbt", ".")
        assert (ended.returncode, ended.stdout) == (1, "")
        assert f"{FILE} is there, and `models --dbt` did not write it." in ended.stderr
        assert path.read_bytes() == content
    path.unlink()
    assert command("models", "--dbt", ".").returncode == 0
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert command("models", "--dbt", ".").returncode == 0
    assert path.read_bytes() == whole


def test_a_folder_that_cannot_be_one_is_named(
    command: Command, published: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    below = command("models", "--dbt", "file/models")
    assert below.returncode == 1
    assert f"file/models/{FILE} cannot be written: Not a directory." in below.stderr
    assert command("models", "--dbt", "file").returncode == 2
    (tmp_path / "taken" / FILE).mkdir(parents=True)
    taken = command("models", "--dbt", "taken")
    assert taken.returncode == 1
    assert "Is a directory" in taken.stderr


def test_without_a_warehouse_it_says_how_to_get_one(command: Command, tmp_path: Path) -> None:
    write_settings(tmp_path)
    ended = command("models", "--dbt", "models")
    assert ended.returncode == 1
    assert "fluents-warehouse load" in ended.stderr
    assert not (tmp_path / "models").exists()


def test_a_model_of_the_user_that_was_not_loaded_is_left_out_and_named(
    command: Command, published: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "later.sql").write_text("select 1 as one")
    write_settings(tmp_path, warehouse_path=str(published), models_dir=str(tmp_path / "mine"))
    ended = command("models", "--dbt", "models")
    assert "Your models changed since the last load" in ended.stdout
    assert "later" not in sources(tmp_path / "models" / FILE)["analytics"]
