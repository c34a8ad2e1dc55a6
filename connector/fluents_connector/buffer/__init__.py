"""The staging buffer: where deliveries are durable until the warehouse holds them.

`_ENGINES` is the one place that chooses what keeps them, by the scheme of `buffer_url`.
"""

from collections.abc import Callable

from fluents_connector.buffer.limits import Limits
from fluents_connector.buffer.protocol import (
    Batch,
    Buffer,
    Counts,
    Durability,
    Quarantine,
    Receipt,
    StagingBuffer,
    StoredDelivery,
)
from fluents_connector.buffer.sqlite.buffer import SqliteBuffer
from fluents_connector.buffer.sqlite.store import SqliteStore
from fluents_connector.buffer.store import BufferStore, Confirmed, Finding, Recovered, Restored
from fluents_connector.errors import SettingsError
from fluents_connector.permissions import close
from fluents_connector.settings import Settings

__all__ = [
    "Batch",
    "Buffer",
    "BufferStore",
    "Confirmed",
    "Counts",
    "Durability",
    "Finding",
    "Limits",
    "Quarantine",
    "Receipt",
    "Recovered",
    "Restored",
    "SqliteBuffer",
    "SqliteStore",
    "StagingBuffer",
    "StoredDelivery",
    "buffer_store",
    "open_buffer",
]


def _sqlite(settings: Settings, limits: Limits) -> BufferStore:
    if settings.require_replicas:
        raise SettingsError(
            "`require_replicas`: a buffer in SQLite has no replicas. Set it to 0, or buffer_url to "
            "postgresql://…"
        )
    return SqliteStore(settings.buffer_file, limits)


def _postgres(settings: Settings, limits: Limits) -> BufferStore:
    try:
        import psycopg  # noqa: F401 # an extra, which only this engine needs
    except ImportError as error:
        raise SettingsError(
            "A buffer in Postgres needs the extra `postgres`: run pip install "
            f"'fluents-warehouse[postgres]'. ({error})"
        ) from None
    from fluents_connector.buffer.postgres.address import Address
    from fluents_connector.buffer.postgres.store import PostgresStore

    return PostgresStore(
        Address(settings.buffer_url, settings.buffer_schema),
        limits,
        patience=settings.request_seconds,
        replicas=settings.require_replicas,
    )


_ENGINES: dict[str, Callable[[Settings, Limits], BufferStore]] = {
    "sqlite": _sqlite,
    "postgresql": _postgres,
}
"""For each of `settings.checks.BUFFER_SCHEMES`, what makes its store."""


def buffer_store(settings: Settings) -> BufferStore:
    """The place of the buffer that the settings name.

    Raises `SettingsError` where its engine is not installed or cannot do what they say.
    """
    limits = Limits(
        rows=settings.buffer_max_rows,
        bytes=settings.buffer_max_bytes,
        age_hours=settings.buffer_max_age_hours,
        refused_bytes=settings.quarantine_max_bytes,
    )
    return _ENGINES[settings.buffer_scheme](settings, limits)


def open_buffer(settings: Settings) -> StagingBuffer:
    """The buffer that the settings name; made if it is not there yet.

    Raises `BufferRefused` for what is not ours, `BufferUnavailable` if it cannot be opened.
    """
    close(settings.data_dir)
    return buffer_store(settings).open()
