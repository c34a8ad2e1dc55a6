"""What the settings say, put as SQL into models: a view's readers have no variables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fluents_connector.settings import Settings
from fluents_pipelines.sql_files import SqlFile
from fluents_pipelines.sql_text import json_path, literal

_JSON_TYPES = {"text": "VARCHAR", "number": "DOUBLE", "boolean": "BOOLEAN"}


def with_values(file: SqlFile, settings: Settings) -> SqlFile:
    """The file, and its steps, with the value of each `getvariable('…')` in its place."""
    sql = file.sql
    for name, value in _values(settings).items():
        sql = sql.replace(f"getvariable('{name}')", value)
    return replace(file, sql=sql, steps=tuple(with_values(step, settings) for step in file.steps))


def _values(settings: Settings) -> dict[str, str]:
    columns = settings.post_call_columns
    names = [field.replace(".", "_") for field in columns]
    types = [_JSON_TYPES[type_] for type_ in columns.values()]
    structure = {"result_text": "VARCHAR", **dict(zip(names, types, strict=True))}
    prices = {name: repr(price) for name, price in settings.cost_per_minute.items()}
    agents = {key: literal(name) for key, name in settings.agents.items()}
    return {
        "time_zone": literal(settings.time_zone),
        "agents": _map(agents, "varchar"),
        "cost_per_minute": _map(prices, "double"),
        "post_call_names": _quoted_list(names),
        "post_call_paths": _quoted_list([json_path(field) for field in columns]),
        "post_call_types": literal(json.dumps(structure)),
        "transfer_target_paths": _quoted_list(
            [json_path(name) for name in settings.payload_fields["transfer_target"]]
        ),
    }


def _map(values: Mapping[str, str], type_: str) -> str:
    """A map from text to values that are SQL already."""
    return f"map({_quoted_list(list(values))}, [{', '.join(values.values())}]::{type_}[])"


def _quoted_list(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(literal, texts))}]::varchar[]"
