"""Follows findings from one look to the next, so that each is told once when it begins and ends.

A finding ends when it has not been found for `ENDS_AFTER_SECONDS`: a rate that crosses its limit to
and fro is one finding, and not many. One whose alert could not be run goes on, as nobody knows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from fluents_connector.loader_state import AlertFinding, AlertRecord, OpenFinding, Severity

ENDS_AFTER_SECONDS = 300.0


def advance(
    former: AlertRecord | None,
    findings: Iterable[AlertFinding],
    *,
    severities: Mapping[str, Severity],
    run: Collection[str],
    errors: Sequence[str],
    now: float,
) -> AlertRecord:
    """The record after a look that found `findings`, at `now` in seconds since 1970.

    `severities` has all alerts that there are, `run` those that could be run.
    """
    open_before = {one.finding.key: one for one in former.findings} if former else {}
    open_now: dict[str, OpenFinding] = {}
    for finding in findings:
        before = open_before.get(finding.key)
        since, is_posted = (before.since, before.is_posted) if before else (now, False)
        open_now.setdefault(finding.key, OpenFinding(finding, since, now, is_posted))
    for key, before in open_before.items():
        if key in open_now:
            continue
        alert = before.finding.alert
        is_over = alert in run and now - before.last_found_at >= ENDS_AFTER_SECONDS
        if before.has_ended or is_over or alert not in severities:
            if before.is_posted:  # otherwise nobody was told that it began
                open_now[key] = replace(before, has_ended=True)
        else:
            open_now[key] = before
    return AlertRecord(now, dict(severities), list(open_now.values()), list(errors))


def to_post(record: AlertRecord) -> list[OpenFinding]:
    """The findings that began or ended since the last that was posted."""
    return [one for one in record.findings if one.has_ended or not one.is_posted]


def posted(record: AlertRecord) -> AlertRecord:
    """The record once all of `to_post` is posted."""
    left = [replace(one, is_posted=True) for one in record.findings if not one.has_ended]
    return replace(record, findings=left)
