"""`alerts`: runs the alerts on the published warehouse, once or again and again."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fluents_connector.errors import AlertsFailed, AlertsRunning, FluentsError, SettingsError
from fluents_connector.printing import printable
from fluents_warehouse.options import Duration, config_option, fail_if_option

if TYPE_CHECKING:
    from fluents_connector.alerts import Poster
    from fluents_connector.loader_state import AlertRecord
    from fluents_connector.settings import Settings
    from fluents_pipelines.alerts import Look

FOUND = 4
"""The exit status where --fail-if applies."""
FIRST_SECONDS = 15.0  # until the first look at most: beside `run` the first load comes before it
_COLOURS = {"warning": "yellow", "critical": "red"}


@click.command()
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="table: a sentence a line. json: one object, for scripts.",
)
@fail_if_option
@click.option(
    "--post", is_flag=True, help="POST to alerts_url what was found since, and what has ended."
)
@click.option(
    "--every",
    type=Duration(),
    help="Look again and again (1m, 1h), until Ctrl-C or SIGTERM: log what is found and what has "
    "ended, and have /metrics show it.",
)
@config_option
def alerts(
    format_: str, fail_if: str | None, post: bool, every: float | None, config: Path | None
) -> None:
    """Run the alerts, yours too, and print what they find in sentences.

    Ends with status 0 whatever is found, or with 4 where --fail-if says so; with 1 when an alert
    could not be run, or findings not be posted.
    """
    from fluents_connector.settings import load_settings
    from fluents_pipelines.alerts import check_limits, look

    settings = load_settings(config)
    poster = _poster(settings) if post else None
    check_limits(settings)
    if every is not None:
        if fail_if or format_ != "table":
            raise click.UsageError("--every prints nothing, and does not end: leave others away.")
        _watch(settings, every, poster)
        return
    found = look(settings, datetime.now(UTC))
    if format_ == "json":
        click.echo(json.dumps(as_json(found), indent=2))
    else:
        show(found)
    failed = bool(found.errors)
    if poster is not None:
        try:
            _record(settings, found, poster)
        except AlertsFailed as error:
            click.echo(f"Error: {printable(error)}", err=True)
            failed = True
    if reaches(found, fail_if):
        raise click.exceptions.Exit(FOUND)
    if failed:
        raise click.exceptions.Exit(1)


def show(found: Look) -> None:
    """Prints what was found: a finding is a sentence, and where to read on."""
    for finding in found.findings:
        word = click.style(finding.severity, _COLOURS[finding.severity])
        link = f" ({finding.link})" if finding.link else ""
        click.echo(f"{word}  {printable(f'{finding.alert}: {finding.says}{link}')}")
    for error in found.errors:
        click.echo(f"{click.style('wrong', 'red')}  {printable(error)}")
    if not found.findings:
        click.echo(f"No findings: {len(found.run)} of {len(found.severities)} alerts were run.")


def as_json(found: Look) -> dict[str, Any]:
    """What was found, for scripts."""
    from dataclasses import asdict

    return {
        "looked_at": found.now.isoformat(timespec="seconds"),
        "findings": [asdict(finding) for finding in found.findings],
        "errors": found.errors,
    }


def reaches(found: Look, fail_if: str | None) -> bool:
    """Whether there is a finding as severe as `fail_if`, or more."""
    order = list(_COLOURS)
    severities = order[order.index(fail_if) :] if fail_if else []
    return any(finding.severity in severities for finding in found.findings)


def _poster(settings: Settings) -> Poster:
    from fluents_connector.alerts import Poster

    if settings.alerts_url is None:
        raise SettingsError(
            "`alerts_url` is not set: write in fluents.toml, above the first [section], where "
            "findings are to be posted to."
        )
    return Poster(settings.alerts_url)


def _record(
    settings: Settings,
    found: Look,
    poster: Poster | None,
    told: Callable[[AlertRecord | None, AlertRecord], None] = lambda former, record: None,
) -> None:
    """Records what was found, and posts what is new or has ended, if there is somebody to post to.

    `told` gets the record as it was and as it is, before anything is posted.
    """
    from fluents_connector.alerts import advance, posted, to_post
    from fluents_connector.loader_state import loader_state

    state = loader_state(settings)
    with state.only_alerter():
        former = state.alerts()
        record = advance(
            former,
            found.findings,
            severities=found.severities,
            run=found.run,
            errors=found.errors,
            now=found.now.timestamp(),
        )
        told(former, record)
        state.record_alerts(record)
        if poster is not None and (findings := to_post(record)):
            poster.post(findings)
            state.record_alerts(posted(record))


def _watch(settings: Settings, every: float, poster: Poster | None) -> None:
    from fluents_connector.logs import configure_logs

    configure_logs(settings.log_format)
    is_asked_to_end: list[int] = []

    def end(number: int, _: object) -> None:
        is_asked_to_end.append(number)
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        time.sleep(min(every, FIRST_SECONDS))
        while not is_asked_to_end:
            tick = time.monotonic() + every
            _look_once(settings, poster)
            time.sleep(max(0.0, tick - time.monotonic()))
    except BaseException:
        # DuckDB, and modules during their import, raise other errors at a signal
        if not is_asked_to_end:
            raise


def _look_once(settings: Settings, poster: Poster | None) -> None:
    import duckdb
    import structlog

    from fluents_pipelines.alerts import look

    log = structlog.get_logger(__name__)
    try:
        _record(settings, look(settings, datetime.now(UTC)), poster, _log_changes)
    except AlertsRunning as error:
        log.warning("alerts_wait", reason=str(error))
    except (FluentsError, duckdb.Error) as error:
        log.error("alerts_failed", error=str(error))


def _log_changes(former: AlertRecord | None, record: AlertRecord) -> None:
    import structlog

    log = structlog.get_logger(__name__)
    before = {one.finding.key: one for one in former.findings} if former else {}
    now = {one.finding.key: one for one in record.findings if not one.has_ended}
    for key, one in now.items():
        if key not in before or before[key].has_ended:
            finding = one.finding
            log.warning(
                "alert_found", alert=finding.alert, severity=finding.severity, says=finding.says
            )
    for key, one in before.items():
        if key not in now and not one.has_ended:
            log.info("alert_ended", alert=one.finding.alert, says=one.finding.says)
    for error in set(record.errors) - set(former.errors if former else ()):
        log.error("alert_not_run", error=error)
