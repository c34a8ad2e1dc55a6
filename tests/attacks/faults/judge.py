"""Reads the published warehouse and says what is wrong with it, given what was sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from fluents_pipelines.models.built_in import run_checks
from tests.attacks.faults import claims
from tests.attacks.faults.claims import Finding
from tests.attacks.faults.events import TABLE_OF_TYPE
from tests.attacks.faults.oracle import Oracle

EXAMPLES = 5  # findings of one kind that are told in full

KEYED = {
    **dict.fromkeys(("events", *filter(None, TABLE_OF_TYPE.values())), "event_id"),
    "calls": "call_id",
    "transcript_turns": "event_id, turn_index",
    "conference_events": "event_id, conference_index",
    "quarantine": "delivery_id",
}


def judge(path: Path, oracle: Oracle, status: dict[str, Any]) -> list[Finding]:
    """All findings on a warehouse into which everything was loaded."""
    with duckdb.connect(str(path), read_only=True) as connection:
        findings = list(claims.events(connection, oracle))
        findings += claims.tables(connection, oracle)
        findings += claims.turns(connection, oracle)
        findings += claims.calls(connection)
        findings += claims.quarantine(connection, oracle)
        findings += claims.models(connection)
        findings += _accounts(connection, status)
        findings += [
            Finding("check", f"{result.check}: {result.offending_rows} rows")
            for result in run_checks(connection)
            if result.offending_rows
        ]
    return findings


def glance(path: Path) -> list[Finding]:
    """What can be said of a file published in the middle of it all: it is whole, no key twice."""
    with duckdb.connect(str(path), read_only=True) as connection:
        findings = []
        for table, key in KEYED.items():
            query = f"select count(*) - count(distinct ({key})) from fluents.{table}"
            if twice := _one(connection, query):
                findings.append(Finding("twice", f"{twice} rows of {table} in a file in use"))
        for type_, own in TABLE_OF_TYPE.items():
            if own is None:
                continue
            query = (
                f"select (select count(*) from fluents.{own}) - (select count(*) from"
                f" fluents.events where duplicate_of is null and type = '{type_}')"
            )
            if off := _one(connection, query):
                findings.append(Finding("torn", f"{own} has {off} rows more than events"))
    return findings


def summary(findings: Iterable[Finding]) -> list[str]:
    """A line a finding, but only the first few of each kind."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for finding in findings:
        by_kind[finding.kind].append(finding.text)
    lines = []
    for kind, texts in by_kind.items():
        lines += [f"{kind}: {text}" for text in texts[:EXAMPLES]]
        if len(texts) > EXAMPLES:
            lines.append(f"{kind}: and {len(texts) - EXAMPLES} more")
    return lines


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def _accounts(connection: duckdb.DuckDBPyConnection, status: dict[str, Any]) -> Iterable[Finding]:
    facts = {
        "pending": "select 0",
        "received": "select (select count(*) from fluents.events)"
        " + (select count(*) from fluents.quarantine)",
        "duplicates": "select count(duplicate_of) from fluents.events",
        "quarantined": "select count(*) from fluents.quarantine",
        "loaded": "select count(*) from fluents.events where duplicate_of is null",
    }
    for key, query in facts.items():
        if (there := _one(connection, query)) != status[key]:
            yield Finding("accounts", f"{key} is {status[key]}, the warehouse says {there}")
    for buffer_id, *found in connection.execute(
        "select buffer_id, count(*), count(distinct position), max(position) - min(position) + 1"
        " from (select buffer_id, position from fluents.events union all by name"
        " select buffer_id, position from fluents.quarantine) group by buffer_id"
    ).fetchall():
        if len({*found}) > 1:
            text = f"positions of buffer {buffer_id} (count, distinct, span) are {found}"
            yield Finding("accounts", text)
