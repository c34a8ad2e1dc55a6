"""Where a load goes on, by what the warehouse holds, and whether it is still the same buffer."""

from __future__ import annotations

import structlog

from fluents_connector.buffer import Buffer
from fluents_connector.errors import LoadFailed
from fluents_pipelines.batches import Normalized
from fluents_pipelines.warehouse.protocol import Warehouse

log = structlog.get_logger(__name__)


def where_to_go_on(buffer: Buffer, warehouse: Warehouse) -> tuple[int, str | None]:
    """The position up to which the warehouse holds this buffer, and the event there.

    A buffer that lacks that event, or has another there, is an older copy: it gets an identity of
    its own, and is loaded from its beginning.
    """
    position, event_id = warehouse.position(buffer.buffer_id)
    there = buffer.event_id_at(position)
    was_restored = position > buffer.counts().last_position or (
        there is not None and event_id is not None and there != event_id
    )
    if not was_restored:
        return position, event_id
    log.warning("buffer_restored", position=position, buffer_id=buffer.buffer_id)
    buffer.renew()
    return 0, None


def require_the_same_buffer(batch: Normalized, event_id: str | None) -> None:
    """Raises `LoadFailed` where a batch does not follow what was loaded before it.

    While a load runs, a server with a standby may be replaced by that, which lacks the last events
    and gives their positions to others. Those that this batch skips would never be loaded.
    """
    if None not in (event_id, batch.after_event_id) and batch.after_event_id != event_id:
        raise LoadFailed(
            f"The buffer has another delivery at position {batch.after} than was loaded from it: a "
            "copy that lacks some has taken its place. The next load loads all of it again."
        )
