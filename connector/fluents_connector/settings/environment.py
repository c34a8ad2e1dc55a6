"""Reads settings from the environment: `FLUENTS_<KEY>`, with or without a settings file.

Other programs use such names too: Kubernetes does for each service called `fluents`. So a variable
that is no setting gives a warning, and no error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from fluents_connector.errors import SettingsError
from fluents_connector.settings.secret_values import MIN_TOKEN_LENGTH

PREFIX = "FLUENTS_"
CONFIG = "config"  # FLUENTS_CONFIG names the settings file
ALIKE = 0.75  # difflib's similarity, from 0 to 1: `prot` is like `port`, `api_key` like nothing

_OF_KUBERNETES = re.compile(r"(.*_)?(service_(host|port)(_.*)?|port_\d+_(tcp|udp|sctp)(_.*)?)")
_ADDRESS = re.compile(r"(tcp|udp|sctp)://")


def from_environment(
    environ: Mapping[str, str],
    keys: Collection[str],
    *,
    tables: Collection[str],
    lists: Collection[str],
) -> tuple[dict[str, Any], list[str]]:
    """The settings that variables give, and a warning for each variable that gives none.

    `FLUENTS_<TABLE>__<NAME>` is an entry of a table, and `__` in its name stands for a dot. A name
    in upper case is taken in lower case, any other as it is written. A list is JSON, or separated
    by commas. Raises `SettingsError`, whose text holds no value, as that may be a secret.
    """
    values: dict[str, Any] = {}
    warnings = []
    # a table as a whole comes before its entries
    for variable, text in sorted(environ.items()):
        if not variable.upper().startswith(PREFIX) or not text:
            continue
        key, *path = variable[len(PREFIX) :].split("__")
        key = key.lower()
        if key == CONFIG and not path:
            continue
        if key not in keys or (path and key not in tables):
            warnings.append(_unknown(variable, keys))
        elif key.endswith("port") and _ADDRESS.match(text):
            warnings.append(
                f"{variable} in the environment is an address, as Kubernetes sets it for a "
                f"service of that name, and not our setting {key}: it is left alone."
            )
        elif path:
            name = ".".join(path)
            entry = name.lower() if name.isupper() else name
            values.setdefault(key, {})[entry] = _listed(variable, text, split=key == "fields")
        elif key in tables:
            values[key] = _json(variable, text, dict, "an object")
        elif key in lists:
            values[key] = _listed(variable, text, split=True)
        else:
            values[key] = text
    return values, warnings


def meant(name: str, known: Collection[str]) -> str | None:
    """The known name that is most like a mistyped one; None if none is like it."""
    in_lower_case = {one.lower(): one for one in known}
    likely = get_close_matches(name.lower(), in_lower_case, 1, ALIKE)
    return in_lower_case[likely[0]] if likely else None


def shown(part: str | int) -> str:
    """A key as messages may show it: shortened if it is as long as a token, which it may be."""
    text = str(part)
    return f"{text[:2]}…" if len(text) >= MIN_TOKEN_LENGTH else text


def _unknown(variable: str, keys: Collection[str]) -> str:
    key, double, rest = variable[len(PREFIX) :].lower().partition("__")
    if _OF_KUBERNETES.fullmatch(key):
        return (
            f"{variable} in the environment is no setting, and left alone: Kubernetes sets it for "
            "a service. `enableServiceLinks: false` in the pod keeps such variables away."
        )
    name = PREFIX + shown(variable[len(PREFIX) :])
    likely = meant(key, keys)
    hint = f" Did you mean {PREFIX}{likely.upper()}{double}{shown(rest).upper()}?" if likely else ""
    return f"{name} in the environment is no setting, and left alone.{hint}"


def _listed(variable: str, text: str, *, split: bool) -> Any:
    if text.startswith("["):
        return _json(variable, text, list, "a list")
    return [part.strip() for part in text.split(",") if part.strip()] if split else text


def _json(variable: str, text: str, type_: type, name: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, type_):
        key = ".".join(shown(part) for part in variable[len(PREFIX) :].lower().split("__"))
        raise SettingsError(f"`{key}`: its variable {PREFIX}… must hold {name} in JSON.")
    return value
