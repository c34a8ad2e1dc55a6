"""Reads and checks the settings once, at the start of a command.

They are those of `fluents.toml`; `FLUENTS_<KEY>` in the environment overrides each.
"""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path
from typing import Any, get_origin

from pydantic import ValidationError

from fluents_connector.errors import SettingsError
from fluents_connector.settings.environment import from_environment, meant, shown
from fluents_connector.settings.model import Settings

CONFIG_FILE = "fluents.toml"
WARNED = "_FLUENTS_WARNED"  # in the environment of a process whose parent has warned already


def load_settings(config: Path | None = None) -> Settings:
    """The settings of `config`, or of `fluents.toml` in the working folder, and the environment.

    The environment overrides the file; if it holds a setting, there need be no `fluents.toml`.
    Paths that are relative are so to the folder of the file. Warns on stderr of variables that are
    no settings. Raises `SettingsError`, which names the key and says what to write.
    """
    given, warnings = _environment()
    if WARNED not in os.environ:
        for warning in warnings:
            sys.stderr.write(f"Warning: {warning}\n")
    named = config or os.environ.get("FLUENTS_CONFIG")
    path = Path(named or CONFIG_FILE)
    values = {} if given and not named and not path.exists() else _read_toml(path)
    for key, value in given.items():
        both = isinstance(value, dict) and isinstance(values.get(key), dict)
        values[key] = {**values[key], **value} if both else value
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise SettingsError(_explain(error, path)) from None
    paths = {
        key: path.parent / value
        for key, field in Settings.model_fields.items()
        if field.annotation in (Path, Path | None) and (value := getattr(settings, key)) is not None
    }
    return settings.model_copy(update=paths)


def webhooks_are_in_the_environment() -> bool:
    """Whether the environment alone sets a webhook."""
    return "webhooks" in _environment()[0]


def _environment() -> tuple[dict[str, Any], list[str]]:
    kinds = {key: get_origin(field.annotation) for key, field in Settings.model_fields.items()}
    return from_environment(
        os.environ,
        kinds.keys(),
        tables=[key for key, kind in kinds.items() if kind is dict],
        # a secret may hold a comma
        lists=[key for key, kind in kinds.items() if kind is list and not key.endswith("_secret")],
    )


def _read_toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise SettingsError(
            f"{path} is not there. Run `fluents-warehouse init` to make one, "
            "name one with --config, or set FLUENTS_WEBHOOKS__MAIN in the environment."
        )
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise SettingsError(f"{path} cannot be read: its lists are nested too deep.") from None
    except (ValueError, OSError) as error:  # tomllib's error is a ValueError
        raise SettingsError(f"{path} cannot be read: {error}.") from None


def _explain(error: ValidationError, path: Path) -> str:
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        key = ".".join(shown(part) for part in problem["loc"])
        name = str(problem["loc"][0]) if problem["loc"] else ""
        if problem["type"] == "extra_forbidden":
            likely = meant(name, Settings.model_fields)
            known = ", ".join(Settings.model_fields)
            hint = f"Did you mean `{likely}`?" if likely else f"The settings are: {known}."
            lines.append(f"`{key}` is not a setting. {hint}")
            continue
        message = problem["msg"].removeprefix("Value error, ")
        field = Settings.model_fields.get(name)
        about = f" {field.description}" if field and field.description else ""
        inner = str(problem["loc"][1]) if len(problem["loc"]) > 1 else ""
        if inner in Settings.model_fields:
            about = f" {inner} is a setting of its own: write it above the first [section]."
        lines.append(f"`{key}`: {message}.{about} (FLUENTS_{name.upper()} overrides it.)")
    return f"{path}: " + "\n".join(lines)
