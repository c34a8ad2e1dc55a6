"""Runs the alerts on the published warehouse and says what they find.

What time it is, is given. An alert that cannot be run, or takes too long, is named with its file
and line and stops no other. Where the warehouse cannot be read, those that select from no table are
run all the same: what waits in the buffer is found then too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime

import duckdb

from fluents_connector.errors import ModelError, QueryError
from fluents_connector.loader_state import AlertFinding, Severity
from fluents_connector.printing import printable
from fluents_connector.settings import Settings
from fluents_pipelines.alerts.facts import FACTS, Facts, gather
from fluents_pipelines.alerts.files import Alert, limits_of, read, switched_on, wrong_limits
from fluents_pipelines.alerts.sentences import as_json, key_of, sentence
from fluents_pipelines.readers.query import interruptible
from fluents_pipelines.sql_files import (
    explained,
    first_line_of_sql,
    not_one_select,
    references,
)
from fluents_pipelines.warehouse import open_published

MOST_FINDINGS = 50  # of one alert: more say no more to a person
SECONDS = 30.0  # for one alert: a query of the user's may never end


@dataclass(slots=True)
class Look:
    """What the alerts found."""

    now: datetime
    severities: dict[str, Severity] = field(default_factory=dict)
    """Of the alerts that are switched on, by name."""
    run: set[str] = field(default_factory=set)
    """The names of those that could be run: of the others nothing is known."""
    findings: list[AlertFinding] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """What is wrong with the others, with file and line where it is their file."""


def look(settings: Settings, now: datetime, seconds: float = SECONDS) -> Look:
    """Runs all alerts that are switched on, each for at most so many seconds."""
    files = read(settings.alerts_dir)
    alerts = switched_on(files.alerts, settings)
    limits = limits_of(files.alerts, settings)
    errors = files.errors + wrong_limits(files.alerts, settings)
    found = Look(now, {alert.name: alert.severity for alert in alerts}, errors=errors)
    with _opened(settings) as (connection, error):
        facts = gather(settings, now, None if error else connection, error)
        set_variables(connection, facts, limits)
        for alert in alerts:
            try:
                if error and references(alert.file):
                    continue
                found.findings += findings_of(connection, alert, facts, seconds)
                found.run.add(alert.name)
            except ModelError as wrong:
                found.errors.append(str(wrong))
    found.errors = list(map(printable, found.errors))  # a path may be no text
    return found


def set_variables(
    connection: duckdb.DuckDBPyConnection, facts: Facts, limits: dict[str, float]
) -> None:
    """Sets what alerts ask for by `getvariable('…')`."""
    for name, value in asdict(facts).items():
        connection.execute(f"set variable {name} = ?::{FACTS[name]}", [value])
    for name, limit in limits.items():
        connection.execute(f"set variable {name} = ?::double", [limit])


def findings_of(
    connection: duckdb.DuckDBPyConnection, alert: Alert, facts: Facts, seconds: float = SECONDS
) -> list[AlertFinding]:
    """The rows of one alert, `MOST_FINDINGS` at most. Raises `ModelError`."""
    file = alert.file
    if problem := not_one_select(connection, file, "an alert"):
        raise ModelError(problem)
    try:
        columns, rows = interruptible(connection, lambda: _rows(connection, file.sql), seconds)
    except TimeoutError:
        line = first_line_of_sql(file)
        raise ModelError(f"{file.path}:{line}: it took longer than {seconds:g} seconds.") from None
    except duckdb.Error as error:
        raise ModelError(explained(file, error)) from error
    found = []
    for row in rows:
        values = dict(zip(columns, row, strict=True))
        says = sentence(alert, values, facts.time_zone)
        shown = {name: as_json(value) for name, value in values.items()}
        key = key_of(alert, shown)
        found.append(AlertFinding(alert.name, alert.severity, says, alert.link, key, shown))
    return found


def _rows(
    connection: duckdb.DuckDBPyConnection, sql: str
) -> tuple[list[str], list[tuple[object, ...]]]:
    cursor = connection.execute(sql)
    return [name for name, *_ in cursor.description or []], cursor.fetchmany(MOST_FINDINGS)


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, str | None]]:
    """The published warehouse; or an empty database, and why that cannot be read."""
    with ExitStack() as opened:
        error = None
        try:
            connection = opened.enter_context(open_published(settings))
            connection.execute("select 1 from fluents.events limit 1").fetchall()
        except (QueryError, duckdb.Error) as unreadable:
            error = str(unreadable)
            connection = opened.enter_context(duckdb.connect())
            connection.execute("set timezone = 'UTC'")
        # beside the loader, which needs the machine more
        connection.execute("set threads = 1")
        connection.execute(f"set memory_limit = '{settings.memory_limit}'")
        yield connection, error
