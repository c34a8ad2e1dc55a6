"""`buffer check`: whether the published warehouse holds what the buffer was told that it holds."""

from __future__ import annotations

from collections.abc import Iterator

from fluents_connector.buffer import BufferStore, Finding
from fluents_connector.errors import BufferUnavailable, QueryError
from fluents_connector.settings import Settings
from fluents_pipelines.warehouse import open_published
from fluents_pipelines.warehouse.progress import missing, position


def check_warehouse(store: BufferStore, settings: Settings) -> Iterator[Finding]:
    """Whether the published warehouse holds what the buffer was told that it holds."""
    lacking: list[str] = []
    try:
        buffer_id, told = store.confirmed()
        with open_published(settings) as connection:
            published_up_to, _ = position(connection, buffer_id)
            for event_ids in store.ids_up_to(min(published_up_to, told)):
                lacking += missing(connection, event_ids)
    except BufferUnavailable:
        return  # what is wrong with the buffer, its own findings say
    except QueryError as error:
        advice = "Run `fluents-warehouse load`: it publishes the warehouse again." if told else ""
        yield Finding("warehouse", not told, str(error), advice)
        return
    if lacking:
        detail = f"It lacks {len(lacking):,} deliveries that it held once, from {lacking[0]} on."
        yield Finding("warehouse", False, detail, "Run `fluents-warehouse replay`.")
        return
    behind = told - published_up_to
    later = f"; {behind:,} more are loaded and published with the next load" if behind > 0 else ""
    detail = f"It holds all that is kept here up to position {published_up_to:,}{later}."
    yield Finding("warehouse", True, detail)
