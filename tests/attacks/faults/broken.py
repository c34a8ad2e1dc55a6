"""Wrong variants of the product, by which the judge is tested: each breaks one promise."""

from __future__ import annotations

import dataclasses
import importlib
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

CLIENT = "fluents_pipelines.warehouse.duckdb_file.destination:KeyedDuckDbClient"
LATE_SECONDS = 0.3  # of the broken acknowledgement


def wrap(where: str, name: str, wrapper: Callable[[Any], Any]) -> None:
    """Replaces `module:Class.name` or `module:name` by what `wrapper` makes of it."""
    module, _, class_ = where.partition(":")
    owner = importlib.import_module(module)
    if class_:
        owner = getattr(owner, class_)
    setattr(owner, name, wrapper(getattr(owner, name)))


def acknowledge_before_the_commit() -> None:
    """The buffer answers at once and commits a little later: what Vector does."""
    from fluents_connector.buffer import Receipt, SqliteBuffer

    real = SqliteBuffer.append_all
    late: queue.SimpleQueue[Any] = queue.SimpleQueue()
    started: list[int] = []

    def commit_late() -> None:
        while True:
            time.sleep(LATE_SECONDS)
            for _ in range(late.qsize()):
                real(*late.get())

    def append_all(self: SqliteBuffer, deliveries: Iterable[Any]) -> list[Receipt]:
        deliveries = list(deliveries)
        if os.getpid() not in started:  # a thread does not survive the fork
            started.append(os.getpid())
            threading.Thread(target=commit_late, daemon=True).start()
        late.put((self, deliveries))
        return [Receipt(delivery.event_id, None) for delivery in deliveries]

    SqliteBuffer.append_all = append_all  # type: ignore[method-assign]


def append_and_commit_each_table() -> None:
    """dlt's `append`: a package that was not recorded comes again and is added again."""

    def without_a_key(real: Callable[..., Any]) -> Callable[..., Any]:
        def append(self: Any, table: str, file: str, key: list[str]) -> None:
            self._execute(f"insert into {table} by name from {file}")
            self._execute("commit")
            self._execute("begin transaction")

        return append

    wrap(CLIENT, "_insert_new", without_a_key)


def no_duplicate_recognised() -> None:
    """Every delivery is taken for one that may be real beside an equal one."""

    def without_hash(real: Callable[..., Any]) -> Callable[..., Any]:
        def validate(*arguments: Any, **options: Any) -> Any:
            return dataclasses.replace(real(*arguments, **options), body_hash=None)

        return validate

    wrap("fluents_connector.delivery", "validate", without_hash)


def acknowledge_what_could_not_be_stored() -> None:
    """A full disk or a lock that somebody holds is swallowed."""
    from fluents_connector.buffer import Receipt
    from fluents_connector.errors import BufferUnavailable

    def swallowing(real: Callable[..., Any]) -> Callable[..., Any]:
        def append_all(self: Any, deliveries: Iterable[Any]) -> list[Receipt]:
            deliveries = list(deliveries)
            try:
                return list(real(self, deliveries))
            except BufferUnavailable:
                return [Receipt(delivery.event_id, None) for delivery in deliveries]

        return append_all

    wrap("fluents_connector.buffer:SqliteBuffer", "append_all", swallowing)


def go_on_from(position: Callable[[Any], int]) -> Callable[[], None]:
    """A load starts where `position` says, and not where the warehouse says that it ends."""

    def change() -> None:
        wrap("fluents_pipelines.load:Loader", "_start", lambda real: position)

    return change


def know_no_call() -> None:
    """Each batch's calls replace what the warehouse holds of them."""
    from fluents_pipelines.tables import CALLS

    def nothing(real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self, call_ids: CALLS.arrow_schema.empty_table()

    wrap(
        "fluents_pipelines.warehouse.duckdb_file.warehouse:DuckDbWarehouse", "known_calls", nothing
    )


def start_empty() -> None:
    """A loader without its file has nothing to take back."""
    from fluents_pipelines.warehouse.duckdb_file.files import FILE, snapshots_of

    def without_published(real: Callable[..., Any]) -> Callable[..., Any]:
        def init(self: Any, settings: Any) -> None:
            if not (settings.data_dir / FILE).exists():
                settings.warehouse_path.unlink(missing_ok=True)
                shutil.rmtree(snapshots_of(settings.warehouse_path), ignore_errors=True)
            real(self, settings)

        return init

    wrap("fluents_pipelines.load:Loader", "__init__", without_published)


def end_for_another_load() -> None:
    """A loader that cannot get its lock ends."""
    from fluents_connector.errors import LoadRunning

    def ending(real: Callable[..., Any]) -> Callable[..., Any]:
        def init(self: Any, settings: Any) -> None:
            try:
                real(self, settings)
            except LoadRunning:
                os._exit(3)

        return init

    wrap("fluents_pipelines.load:Loader", "__init__", ending)


BROKEN: dict[str, tuple[str, Callable[[], None]]] = {
    "early acknowledgement": ("serve", acknowledge_before_the_commit),
    "append": ("load", append_and_commit_each_table),
    "no duplicates": ("serve", no_duplicate_recognised),
    "errors swallowed": ("serve", acknowledge_what_could_not_be_stored),
    "restore not noticed": (
        "load",
        go_on_from(
            lambda loader: min(
                loader._warehouse.position(loader._buffer.buffer_id)[0],
                loader._buffer.counts().last_position,
            )
        ),
    ),
    "position by the buffer": (
        "load",
        go_on_from(lambda loader: loader._buffer.counts().confirmed_position),
    ),
    "calls not known": ("load", know_no_call),
    "nothing taken back": ("load", start_empty),
    "ends for another load": ("load", end_for_another_load),
}
"""Wrong variants by name, with the command that they change. Tests of the judge use them."""
