"""`search`: what was said, in conversations, messages and post-call results."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from fluents_connector.printing import printable
from fluents_warehouse.options import Duration, PointInTime, config_option

if TYPE_CHECKING:
    from fluents_pipelines.readers.hits import Found, Hit

_SOURCES = (  # those of readers.hits, whose package takes its time to import
    "transcripts",
    "messages",
    "results",
)


@click.command()
@click.argument("words", nargs=-1, required=True)
@click.option(
    "--since", type=PointInTime(), help="Only calls that began then or later: 7d, or a day."
)
@click.option("--until", type=PointInTime(), help="Only calls that began before then.")
@click.option(
    "--in",
    "sources",
    multiple=True,
    type=click.Choice(_SOURCES),
    help="Look only there. May be given several times.",
)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000))
@click.option(
    "--turns",
    default=1,
    show_default=True,
    type=click.IntRange(0, 100),
    help="Show so many turns before and after one that is found.",
)
@click.option(
    "--within",
    type=Duration(),
    default="10s",
    show_default=True,
    help="Stop looking further back after so long, and say how far it came.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json is one object a line, a text with its turns.",
)
@config_option
def search(
    words: tuple[str, ...],
    since: int | None,
    until: int | None,
    sources: tuple[str, ...],
    limit: int,
    turns: int,
    within: float,
    format_: str,
    config: Path | None,
) -> None:
    """Find WORDS in what was said, newest calls first.

    A turn, a message or a post-call result is found if it holds all words, as parts of longer ones
    too, in whichever case and with whichever accents. In quotes, words are found as they stand
    together: fluents-warehouse search '"credit card" refund' --since 7d
    """
    from fluents_connector.settings import load_settings
    from fluents_pipelines.readers.hits import SOURCES
    from fluents_pipelines.readers.query import interruptible
    from fluents_pipelines.readers.search import search as look
    from fluents_pipelines.warehouse import open_published

    settings = load_settings(config)
    with open_published(settings) as connection:
        found = interruptible(
            connection,
            lambda: look(
                connection,
                " ".join(words),
                since=_moment(since),
                until=_moment(until),
                sources=sources or SOURCES,
                limit=limit,
                seconds=within,
                beside=turns,
            ),
        )
    zone = ZoneInfo(settings.time_zone)
    for hit in found.hits:
        if format_ == "json":
            click.echo(json.dumps(asdict(hit), default=_as_json))
        else:
            _show(hit, zone)
    click.echo(_ending(found, limit), err=True)


def _show(hit: Hit, zone: ZoneInfo) -> None:
    from fluents_pipelines.readers.hits import snippet

    began = hit.first_event_at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    click.echo(click.style(f"{began}  {printable(hit.call_id)}  {hit.source}", bold=True))
    for turn in hit.before:
        click.echo(f"  {printable(turn.speaker or '')}  {printable(turn.text)}")
    click.echo(f"> {printable(hit.speaker or '')}  {printable(snippet(hit))}")
    for turn in hit.after:
        click.echo(f"  {printable(turn.speaker or '')}  {printable(turn.text)}")
    click.echo()


def _ending(found: Found, limit: int) -> str:
    """What was looked through, and how to go on."""
    calls = f"{found.searched_calls:,} calls"
    if found.has_more:
        return f"The newest {limit:,} are shown; there are more: --limit shows more of them."
    if found.looked_back_to is not None:
        until = found.looked_back_to.astimezone(UTC).isoformat()
        return (
            f"{len(found.hits):,} found in the newest {calls}. Go on with --until {until}, "
            "or give more time with --within 1m."
        )
    return f"{len(found.hits):,} found in {calls}."


def _moment(microseconds: int | None) -> datetime | None:
    if microseconds is None:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def _as_json(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
