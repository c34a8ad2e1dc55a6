"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

config_option: Callable[[F], F] = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The settings file; fluents.toml in this folder where not given.",
)


class Duration(click.ParamType):  # type: ignore[type-arg] # generic from click 8.2 on
    """Seconds, written as 500ms, 30s, 5m, 1h, or a plain number of seconds."""

    name = "duration"
    _UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}  # noqa: RUF012 # never changed

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Seconds; fails with what to write."""
        if isinstance(value, int | float):
            return float(value)
        number = value.rstrip("hms")
        try:
            seconds = float(number) * self._UNITS[value[len(number) :] or "s"]
        except (ValueError, KeyError):
            self.fail(f"{value!r} is not a duration; write for example 500ms, 30s, 5m or 1h.")
        if not 0.05 <= seconds <= 86400:
            self.fail(f"{value!r} is outside 50ms to 24h.")
        return float(seconds)
