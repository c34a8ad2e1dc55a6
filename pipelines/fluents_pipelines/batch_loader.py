"""Loads one batch into a warehouse, with the models of its calls, however much there is in it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial

import structlog

from fluents_connector.errors import LoadFailed
from fluents_pipelines.batches import Batches, Normalized
from fluents_pipelines.memory import is_of_models, is_of_the_data, room_for_one
from fluents_pipelines.models import incremental
from fluents_pipelines.models.analytics import Analytics
from fluents_pipelines.source import fluents_source
from fluents_pipelines.tables import CALLS
from fluents_pipelines.warehouse.protocol import Finish, Warehouse, nothing

log = structlog.get_logger(__name__)


class BatchLoader:
    """Loads batches into `warehouse`, with their rows in the models of `analytics`."""

    def __init__(self, warehouse: Warehouse, analytics: Analytics) -> None:
        self._warehouse = warehouse
        self._analytics = analytics

    def load(self, batches: Batches, batch: Normalized, *, is_visible_next: bool) -> bool:
        """Loads a batch; or has it given again otherwise where the warehouse cannot take it so.

        In halves, down to a single delivery, which gets more memory, and at last as text only.
        Raises `LoadFailed` where that would not help; the warehouse has nothing of it then.
        """
        is_one, is_text_only = len(batch.event_ids) == 1, batches.is_text_only(batch)
        memories: list[AbstractContextManager[None]] = [nullcontext()]
        if is_one:
            memories.append(room_for_one(self._warehouse.connection))
        for memory in memories[is_text_only:]:
            try:
                with memory:
                    self._add_with_models(batch, is_visible_next=is_visible_next)
            except LoadFailed as error:
                if not is_of_the_data(error) or is_text_only:
                    raise
                log.warning("batch_not_loaded", rows=len(batch.event_ids), up_to=batch.up_to)
            else:
                return True
        if is_one:
            log.error("delivery_loaded_as_text_only", event_id=batch.event_ids[0])
        batches.again(batch, text_only=is_one)
        return False

    def add(
        self,
        batch: Normalized,
        finish: Finish = nothing,
        *,
        is_visible_next: bool = False,
    ) -> None:
        """Adds the rows of a batch, and what `finish` adds. Raises `LoadFailed`."""
        source = fluents_source(batch, empty_tables=self._warehouse.is_new_to_dlt())
        self._warehouse.load(source, finish, is_visible_next=is_visible_next)

    def _add_with_models(self, batch: Normalized, *, is_visible_next: bool) -> None:
        """Adds a batch and the models of its calls.

        Where that cannot be because of the models, its calls are stale: their models are made
        before anything of it is visible.
        """
        calls = batch.tables[CALLS.name].select(["call_id", "first_event_at", "last_event_at"])
        try:
            follow = partial(self._analytics.follow, calls=calls)
            self.add(batch, follow, is_visible_next=is_visible_next)
        except LoadFailed as error:
            # what does not fit is loaded in halves, but of a single delivery there is no half
            is_one = len(batch.event_ids) == 1 and is_of_the_data(error)
            if not (is_one or is_of_models(error)):
                raise
            log.warning("models_made_later", calls=calls.num_rows, up_to=batch.up_to)
            self.add(batch, partial(incremental.mark_stale, calls=calls))
