"""The published warehouse as sources of dbt: a YAML file for a dbt project's `models` folder.

Its tables, models and their columns are those that are published, with the comments that they have
there; keys are those that the declarations name. From these come the tests:

- A key is unique, and none of its columns is NULL.
- A column whose comment begins with `One of a, b or c` has no other value.
- Every call_id is in `fluents.calls`, and every event_id in `fluents.events`; but for models of
  the user, which may read anything.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml

from fluents_connector.errors import ExportFailed
from fluents_connector.files import write_whole
from fluents_connector.settings import Settings
from fluents_pipelines.models import built_in, custom
from fluents_pipelines.models.scope import ANALYTICS
from fluents_pipelines.sql_files import SqlFile
from fluents_pipelines.sql_text import identifier
from fluents_pipelines.tables import ALL_TABLES, CALLS, EVENTS, SCHEMA

FILE = "fluents_sources.yml"
DATABASE = "fluents_warehouse"
"""The name that dbt is to attach the published file under."""

_MARK = "# Written by `fluents-warehouse models --dbt`, which replaces it: change nothing here.\n"
_DESCRIPTIONS = {
    SCHEMA: "What Fluents' events say: a table for each kind of thing.",
    ANALYTICS: "Models on the tables of fluents, which answer questions.",
}
_ONE_OF = re.compile(r"One of ((?:[\w-]+, )*[\w-]+ or [\w-]+)\b")
_REFERRED_TO = {table.key[0]: table.name for table in (CALLS, EVENTS)}

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or model that is published. `columns` are names, types and comments."""

    schema: str
    name: str
    description: str
    key: tuple[str, ...]
    is_custom: bool
    columns: tuple[tuple[str, str, str], ...]


def relations(connection: duckdb.DuckDBPyConnection, settings: Settings) -> list[Relation]:
    """The declared tables, the built-in models and the custom ones, as far as they are there."""
    columns: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    for schema, name, *column in connection.execute(
        "select schema_name, table_name, column_name, data_type, coalesce(comment, '')"
        " from duckdb_columns() where database_name = current_database() order by column_index"
    ).fetchall():
        columns.setdefault((schema, name), []).append(tuple(column))

    def there() -> Iterator[Relation]:
        for table in ALL_TABLES:
            found = tuple(columns.get((SCHEMA, table.name), ()))
            yield Relation(SCHEMA, table.name, table.description, table.key, False, found)
        models: list[tuple[SqlFile, bool]] = [
            *((file, False) for file in sorted(built_in.models(settings), key=lambda f: f.name)),
            *((file, True) for file in custom.read(settings.models_dir).files),
        ]
        for file, is_custom in models:
            found = tuple(columns.get((ANALYTICS, file.name), ()))
            key = _key(file, {name for name, *_ in found})
            yield Relation(ANALYTICS, file.name, file.description, key, is_custom, found)

    return [relation for relation in there() if relation.columns]


def as_yaml(found: list[Relation]) -> str:
    """The file's text, for dbt from 1.10.6 on."""
    sources = [
        {
            "name": schema,
            "description": _DESCRIPTIONS[schema],
            "database": DATABASE,
            "schema": schema,
            "tables": [_table(relation) for relation in found if relation.schema == schema],
        }
        for schema in (SCHEMA, ANALYTICS)
    ]
    text = yaml.safe_dump(
        {"version": 2, "sources": sources}, sort_keys=False, allow_unicode=True, width=100
    )
    return _MARK + text


def attachment(location: str) -> str:
    """What an output of dbt's `profiles.yml` has to say for the file to find the warehouse."""
    attach = {"path": location, "alias": DATABASE, "read_only": True}
    return yaml.safe_dump({"attach": [attach]}, sort_keys=False, width=sys.maxsize)


def write(folder: Path, text: str) -> Path:
    """Puts the file into the folder, which need not be there.

    Raises `ExportFailed`, also where a file of this name is that is none of ours.
    """
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.read_bytes().startswith(_MARK.encode()):
            raise ExportFailed(
                f"{path} is there, and `models --dbt` did not write it. Name another folder, or "
                "give that file another name."
            )
        write_whole(path, text)
    except OSError as error:
        raise ExportFailed(
            f"{path} cannot be written: {error.strerror}. Name another folder."
        ) from error
    return path


def accepted_values(comment: str) -> list[str]:
    """The values that a comment says are all there can be; none where it does not say."""
    found = _ONE_OF.match(comment)
    return re.split(", | or ", found[1]) if found else []


def _key(file: SqlFile, columns: Collection[str]) -> tuple[str, ...]:
    """The columns of the header's `key:`; none where it is no list of them."""
    key = tuple(name.strip() for name in file.header.get("key", "").split(","))
    return key if set(key) <= set(columns) else ()


def _table(relation: Relation) -> Entry:
    entry: Entry = {"name": relation.name, "description": _as_it_is(relation.description)}
    if len(relation.key) > 1:
        names = map(identifier, relation.key) if relation.is_custom else relation.key
        # dbt's own test takes an expression for a column, and DuckDB compares rows
        entry["data_tests"] = [_test("unique", column_name=f"({', '.join(names)})")]
    entry["columns"] = [_column(relation, *column) for column in relation.columns]
    return entry


def _column(relation: Relation, name: str, data_type: str, comment: str) -> Entry:
    entry: Entry = {"name": name, "description": _as_it_is(comment), "data_type": data_type}
    tests: list[str | Entry] = []
    if relation.key == (name,):
        tests.append("unique")
    if name in relation.key:
        tests.append("not_null")
    if values := accepted_values(comment):
        tests.append(_test("accepted_values", values=values))
    other = _REFERRED_TO.get(name)
    if other and not relation.is_custom and (relation.schema, relation.name) != (SCHEMA, other):
        tests.append(_test("relationships", to=f"source('{SCHEMA}', '{other}')", field=name))
    if tests:
        entry["data_tests"] = tests
        if relation.is_custom:  # whose columns may have any name
            entry["quote"] = True
    return entry


def _test(name: str, **arguments: object) -> Entry:
    return {name: {"arguments": arguments}}


def _as_it_is(text: str) -> str:
    """A text that dbt, which takes descriptions for templates, shows as it is here."""
    return text.replace("{", "{{ '{' }}") if re.search(r"{[{%#]", text) else text
