"""Search: what was said, in conversations, messages and post-call results, newest calls first."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fluents_connector.errors import QueryError
from fluents_dashboard.filters import WrongFilter
from fluents_dashboard.page import Context, Page, Visit
from fluents_pipelines.readers.comparing import compared, marked
from fluents_pipelines.readers.hits import SOURCES, Hit, Only, snippet
from fluents_pipelines.readers.search import pieces_of, search

MOST_HITS = 50
SECONDS = 3.0  # then it says how far back it came
BESIDE = 1  # turns before and after what was found
WIDTH = 240  # letters of a text
NAMES = {"transcripts": "Conversations", "messages": "Messages", "results": "Post-call results"}
NAMES_OF_ONE = {
    "transcripts": "Conversation",
    "messages": "Message",
    "results": "Post-call result",
}


def show(visit: Visit) -> Context:
    """The form, and what was found."""
    words, sources, pieces = asked(visit)
    context: Context = {"q": words, "names": NAMES, "source": visit.asked.get("in", "")}
    if not pieces:
        return {**context, "found": None}
    zone = ZoneInfo(visit.settings.time_zone)
    filters = visit.filters
    since = datetime.combine(filters.from_day, time(), zone)
    until = datetime.combine(filters.until_day + timedelta(days=1), time(), zone)
    with visit.figures.connection() as connection:
        found = search(
            connection,
            words,
            since=since,
            until=until,
            only=Only(filters.webhook, filters.agent, filters.direction),
            sources=sources,
            limit=MOST_HITS,
            seconds=SECONDS,
            beside=BESIDE,
        )
    looked_back_to = found.looked_back_to and found.looked_back_to.astimezone(zone)
    return {
        **context,
        "found": found,
        "looked_back_to": looked_back_to and f"{looked_back_to:%Y-%m-%d %H:%M}",
        "hits": [_shown(hit, pieces, zone, visit) for hit in found.hits],
    }


def asked(visit: Visit) -> tuple[str, tuple[str, ...], list[str]]:
    """The words, where to look, and the pieces of the words. Raises `WrongFilter`."""
    words, source = visit.asked.get("q", "").strip(), visit.asked.get("in")
    if source is not None and source not in SOURCES:
        raise WrongFilter(f"What was said is in one of {', '.join(SOURCES)}.")
    try:
        pieces = pieces_of(words) if words else []
    except QueryError as error:
        raise WrongFilter(str(error)) from error
    return words, (source,) if source else SOURCES, pieces


def _shown(hit: Hit, pieces: list[str], zone: ZoneInfo, visit: Visit) -> dict[str, Any]:
    return {
        "began_at": f"{hit.first_event_at.astimezone(zone):%Y-%m-%d %H:%M}",
        "source": NAMES_OF_ONE[hit.source],
        "speaker": hit.speaker,
        "parts": marked(snippet(hit, WIDTH), list(map(compared, pieces))),
        "before": hit.before,
        "after": hit.after,
        "link": visit.link("call", id=hit.call_id),
    }


PAGE = Page("search", "Search", show, waits_for="Searching what was said …", check=asked)
