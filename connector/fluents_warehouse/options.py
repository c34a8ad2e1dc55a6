"""Options that several commands share."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fluents_connector.errors import FluentsError

if TYPE_CHECKING:
    from fluents_connector.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

config_option: Callable[[F], F] = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The settings file; fluents.toml in this folder where not given.",
)

defuse_option: Callable[[F], F] = click.option(
    "--defuse-formulas",
    is_flag=True,
    help="For csv that a spreadsheet opens: text that would be a formula gets a ' in front.",
)


fail_if_option: Callable[[F], F] = click.option(
    "--fail-if",
    type=click.Choice(["warning", "critical"]),
    help="End with status 4 if there is a finding so severe, or more.",
)


def require_csv(format_: str, *, defuse_formulas: bool) -> None:
    """Raises `UsageError` where --defuse-formulas is given for another format."""
    if defuse_formulas and format_ != "csv":
        raise click.UsageError("--defuse-formulas is for --format csv.")


def require_buffer(settings: Settings) -> None:
    """Raises `FluentsError` where there is no staging buffer (yet)."""
    from fluents_connector.buffer import buffer_store

    store = buffer_store(settings)
    if store.exists():
        return
    if store.recovery_is_unfinished():
        raise FluentsError(
            "A recovery was begun and not finished. Run `fluents-warehouse buffer recover`."
        )
    raise FluentsError(f"There is no buffer at {store.description} yet: nothing was received.")


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def in_seconds(text: str) -> float:
    """The seconds of `500ms`, `30s`, `5m`, `1h`, `7d` or a plain number of seconds.

    Raises `ValueError`.
    """
    number = text.rstrip("dhms")
    unit = text[len(number) :] or "s"
    if unit not in _UNITS:
        raise ValueError(f"{unit} is no unit")
    return float(number) * _UNITS[unit]


class Duration(click.ParamType):  # type: ignore[type-arg] # generic since click 8.2
    """Seconds, written as 500ms, 30s, 5m, 1h, or a plain number of seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Seconds; fails with what to write."""
        if isinstance(value, int | float):
            return float(value)
        try:
            seconds = in_seconds(value)
        except ValueError:
            self.fail(f"{value!r} is not a duration; write for example 500ms, 30s, 5m or 1h.")
        if not 0.05 <= seconds <= 86400:
            self.fail(f"{value!r} is outside 50ms to 24h.")
        return float(seconds)


class PointInTime(click.ParamType):  # type: ignore[type-arg] # generic since click 8.2
    """Microseconds since 1970, written as 2026-01-31, 2026-01-31T12:00, or as an age: 7d, 12h."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Microseconds since 1970 (UTC); fails with what to write."""
        try:
            return time.time_ns() // 1000 - int(in_seconds(value) * 1_000_000)
        except (ValueError, OverflowError):
            pass
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{value!r} is no time; write for example 2026-01-31, 2026-01-31T12:00 or 7d."
            )
        return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1_000_000)
