"""Runs the alerts on the published warehouse and says what they find.

What time it is, is given. An alert that cannot be run, or takes too long, is named with its file
and line and stops no other. Where the warehouse cannot be read, those that select from no table are
run all the same: what waits in the buffer is found then too.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from threading import Timer

import duckdb

from fluents_connector.errors import ModelError, QueryError
from fluents_connector.loader_state import AlertFinding, Severity
from fluents_connector.printing import printable
from fluents_connector.settings import Settings
from fluents_pipelines.alerts.facts import FACTS, Facts, gather
from fluents_pipelines.alerts.files import Alert, limits_of, read, switched_on, wrong_limits
from fluents_pipelines.alerts.sentences import as_json, key_of, sentence
from fluents_pipelines.sql_files import (
    explained,
    first_line_of_sql,
    not_one_select,
    references,
)
from fluents_pipelines.warehouse import open_published

MOST_FINDINGS = 50  # of one alert: more say no more to a person
STOP_SECONDS = 0.1  # between two tries to end a query, as one may begin just after it was asked to
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
    """Runs all alerts that are switched on, each for at most so many seconds.

    In a thread: in the main one a signal would look like an error of DuckDB, and so like a finding.
    """
    looking = _Looking(settings, now, seconds)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(looking.run)
        try:
            return done.result()
        except BaseException:  # Ctrl-C
            while not done.done():
                looking.stop()
                wait([done], STOP_SECONDS)
            raise


class _Looking:
    """One look, in a thread of its own; `stop` is called by another."""

    def __init__(self, settings: Settings, now: datetime, seconds: float) -> None:
        self._settings = settings
        self._now = now
        self._seconds = seconds
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._stops = False

    def stop(self) -> None:
        """Ends what is run, and runs no more."""
        self._stops = True
        if self._connection is not None:
            self._connection.interrupt()

    def run(self) -> Look:
        """See `look`."""
        settings = self._settings
        files = read(settings.alerts_dir)
        alerts = switched_on(files.alerts, settings)
        limits = limits_of(files.alerts, settings)
        errors = files.errors + wrong_limits(files.alerts, settings)
        found = Look(self._now, {alert.name: alert.severity for alert in alerts}, errors=errors)
        with _opened(settings) as (connection, error):
            self._connection = connection
            facts = gather(settings, self._now, None if error else connection, error)
            set_variables(connection, facts, limits)
            for alert in alerts:
                if self._stops:
                    break
                try:
                    if error and references(alert.file):
                        continue
                    found.findings += findings_of(connection, alert, facts, self._seconds)
                    found.run.add(alert.name)
                except ModelError as wrong:
                    found.errors.append(str(wrong))
            self._connection = None
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
    limit = Timer(seconds, connection.interrupt)
    limit.start()
    try:
        cursor = connection.execute(file.sql)
        columns = [name for name, *_ in cursor.description or []]
        rows = cursor.fetchmany(MOST_FINDINGS)
    except duckdb.InterruptException:
        line = first_line_of_sql(file)
        raise ModelError(f"{file.path}:{line}: it took longer than {seconds:g} seconds.") from None
    except duckdb.Error as error:
        raise ModelError(explained(file, error)) from error
    finally:
        limit.cancel()
    found = []
    for row in rows:
        values = dict(zip(columns, row, strict=True))
        says = sentence(alert, values, facts.time_zone)
        shown = {name: as_json(value) for name, value in values.items()}
        key = key_of(alert, shown)
        found.append(AlertFinding(alert.name, alert.severity, says, alert.link, key, shown))
    return found


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
