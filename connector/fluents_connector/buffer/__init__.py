"""The staging buffer: where deliveries are durable until the warehouse holds them."""

from pathlib import Path

from fluents_connector.buffer.limits import Limits
from fluents_connector.buffer.protocol import Batch, Buffer, Counts, Receipt, StoredDelivery
from fluents_connector.buffer.sqlite.buffer import SqliteBuffer
from fluents_connector.permissions import close
from fluents_connector.settings import Settings

__all__ = [
    "Batch",
    "Buffer",
    "Counts",
    "Limits",
    "Receipt",
    "SqliteBuffer",
    "StoredDelivery",
    "open_buffer",
]


def open_buffer(settings: Settings) -> Buffer:
    """The buffer that the settings name; made if it is not there yet.

    Raises `BufferRefused` for a file that is not ours, `BufferUnavailable` if it cannot open.
    """
    limits = Limits(
        rows=settings.buffer_max_rows,
        bytes=settings.buffer_max_bytes,
        age_hours=settings.buffer_max_age_hours,
        refused_bytes=settings.quarantine_max_bytes,
    )
    file = settings.buffer_file
    close(settings.data_dir, *(Path(f"{file}{suffix}") for suffix in ("", "-wal", "-shm")))
    return SqliteBuffer(file, limits)
