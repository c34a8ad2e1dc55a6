"""The files of the alerts: those of `sql/alerts`, and the user's own in `alerts_dir`.

A file is one `SELECT` whose rows are findings. Its header says `severity:`, `says:` (the sentence
for a person, with columns of the row in braces), and where wanted `link:`, `key:` (the columns that
tell one finding from another) and `limits:`: what the SQL asks for by `getvariable('…')` and
`[alerts]` in the settings may change.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from fluents_connector.errors import ModelError, SettingsError
from fluents_connector.loader_state import Severity
from fluents_connector.settings import Settings
from fluents_connector.settings.environment import meant, shown
from fluents_pipelines.alerts.facts import FACTS
from fluents_pipelines.models import custom
from fluents_pipelines.sql_files import SqlFile, read_folder, sql_folder

SEVERITIES: tuple[Severity, ...] = get_args(Severity)  # the least first
_NUMBER = r"(\d+(?:\.\d+)?)"
_LIMIT = re.compile(rf"(\w+) = {_NUMBER} \({_NUMBER} to {_NUMBER}\): (.+)")


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that an alert compares with: what it is where the settings say nothing."""

    name: str
    default: float
    least: float
    most: float
    meaning: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One file, with its header understood. `key` is empty where the whole row is the key."""

    file: SqlFile
    severity: Severity
    says: str
    link: str
    key: tuple[str, ...]
    limits: tuple[Limit, ...]

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.file.name


@dataclass(frozen=True, slots=True)
class AlertFiles:
    """The alerts whose files could be understood, and what is wrong with the others."""

    alerts: list[Alert]
    errors: list[str]


def built_in() -> list[Alert]:
    """The alerts of `sql/alerts`, by name."""
    return [_alert(file) for file in read_folder(sql_folder() / "alerts")]


def read(folder: Path | None) -> AlertFiles:
    """The built-in alerts, and those in the folder of the settings; each name is there once."""
    alerts = built_in()
    files = custom.read(folder, "alerts_dir")
    errors = list(files.errors)
    taken = {alert.name for alert in alerts}
    for file in files.files:
        try:
            alerts.append(_own_alert(file, taken))
        except ModelError as error:
            errors.append(str(error))
    return AlertFiles(alerts, errors)


def check_limits(settings: Settings) -> None:
    """Raises `SettingsError` where `[alerts]` names what no alert has, or a number out of range."""
    if wrong := wrong_limits(read(settings.alerts_dir).alerts, settings):
        raise SettingsError("\n".join(wrong))


def wrong_limits(alerts: Collection[Alert], settings: Settings) -> list[str]:
    """What is wrong with the limits in the settings, a sentence each."""
    known = {limit.name: limit for alert in alerts for limit in alert.limits}
    names = {alert.name for alert in alerts}
    wrong = []
    for name, value in settings.alerts.items():
        if value is False and name in names:
            continue
        if name not in known:
            wrong.append(_unknown(name, {*known, *names}, names))
        elif value is False:
            wrong.append(f"`alerts.{name}`: only an alert can be false. {_about(known[name])}")
        elif not _is_within(known[name], value):
            wrong.append(f"`alerts.{name}`: {value:g} is out of range. {_about(known[name])}")
    return wrong


def limits_of(alerts: Iterable[Alert], settings: Settings) -> dict[str, float]:
    """The value of each limit, by the settings where they are right."""
    limits = {}
    for limit in (limit for alert in alerts for limit in alert.limits):
        value = settings.alerts.get(limit.name, False)
        limits[limit.name] = value if _is_within(limit, value) else limit.default
    return limits


def switched_on(alerts: Iterable[Alert], settings: Settings) -> list[Alert]:
    """The alerts that the settings do not switch off."""
    return [alert for alert in alerts if settings.alerts.get(alert.name) is not False]


def _is_within(limit: Limit, value: float | Literal[False]) -> bool:
    return value is not False and limit.least <= value <= limit.most


def _unknown(name: str, known: Collection[str], alerts: Collection[str]) -> str:
    if name in alerts:
        return f"`alerts.{name}`: this alert has no limit. Write {name} = false to switch it off."
    likely = meant(name, known)
    hint = f"Did you mean `{likely}`?" if likely else f"There are: {', '.join(sorted(known))}."
    return f"`alerts.{shown(name)}` is neither an alert nor a limit of one. {hint}"


def _about(limit: Limit) -> str:
    return f"Write a number from {limit.least:g} to {limit.most:g}: {limit.meaning}."


def _own_alert(file: SqlFile, taken: set[str]) -> Alert:
    if file.name in taken:
        what = "is the name of an alert of fluents-warehouse. Rename the file."
    elif not custom.NAME.fullmatch(file.name):
        what = "cannot be an alert's name. Name the file in a-z, 0-9 and _, a letter first."
    else:
        return _alert(file)
    raise ModelError(f"{file.path}:1: `{file.name}` {what}")


def _alert(file: SqlFile) -> Alert:
    header = file.header
    if (severity := header.get("severity", "")) not in SEVERITIES:
        raise _wrong(file, "severity", "its header needs `-- severity: warning`, or critical.")
    if not (says := header.get("says", "")):
        raise _wrong(file, "says", "its header needs `-- says: …`, the finding in a sentence.")
    key = tuple(name.strip() for name in header.get("key", "").split(",") if name.strip())
    return Alert(file, severity, says, header.get("link", ""), key, tuple(_limits(file)))


def _limits(file: SqlFile) -> Iterable[Limit]:
    for text in filter(None, map(str.strip, file.header.get("limits", "").split(";"))):
        found = _LIMIT.fullmatch(text)
        if found is None:
            example = f"{file.name} = 0.2 (0 to 1): what it means"
            raise _wrong(file, "limits", f"`{text}` is no limit. Write, say, `{example}`.")
        name, default, least, most, meaning = found.groups()
        if name != file.name and not name.startswith(f"{file.name}_"):
            raise _wrong(file, "limits", f"the name of a limit begins with {file.name}: `{name}`.")
        if name in FACTS:
            raise _wrong(file, "limits", f"`{name}` is what each alert may ask for already.")
        limit = Limit(name, float(default), float(least), float(most), meaning)
        if not limit.least <= limit.default <= limit.most:
            raise _wrong(file, "limits", f"{default} of `{name}` is not {least} to {most}.")
        yield limit


def _wrong(file: SqlFile, key: str, what: str) -> ModelError:
    """An error with the line of a key of the header; the first line where it has none."""
    lines = file.sql.splitlines()
    is_key = (line.lower().lstrip("- ").startswith(f"{key}:") for line in lines)
    line = next((number for number, is_it in enumerate(is_key, 1) if is_it), 1)
    return ModelError(f"{file.path}:{line}: {what}")
