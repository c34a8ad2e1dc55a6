"""Takes the published warehouse back in place of a loader's file that is lost.

It is lost where somebody deletes it, or where `data_dir` is on a volume that is not mounted. An
empty file in its place would be published, and the history of readers would be gone.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import duckdb
import structlog

from fluents_connector.errors import LoadFailed
from fluents_connector.files import written_whole
from fluents_connector.settings import Settings
from fluents_pipelines.disk_space import has_room
from fluents_pipelines.warehouse.duckdb_file.files import (
    copy_file,
    partial_of,
    snapshots_in,
    snapshots_of,
)
from fluents_pipelines.warehouse.duckdb_file.state import state_in

log = structlog.get_logger(__name__)


def take_back(settings: Settings, file: Path) -> bool:
    """Copies what is published to `file`, the loader's, if that is not there; says whether it did.

    Raises `LoadFailed` where something is published that cannot be taken back. Only for who has the
    lock of the loads.
    """
    if file.exists():
        return False
    published = target = settings.warehouse_path
    try:
        # The log of the lost file belongs to no other. What is in it the buffer still keeps.
        leftover = file.with_name(f"{file.name}.wal")
        with suppress(FileNotFoundError):
            leftover.rename(leftover.with_name(f"{leftover.name}.lost"))
        published = _published(target)
        if state_in(published) is None:
            return False
        _copy(published, file, settings.disk_reserve_bytes)
    except (OSError, duckdb.Error) as error:
        raise LoadFailed(
            f"The loader's file {file} is not there, and what is published, {published}, cannot "
            f"be taken back in its place: {error}. If data_dir is a volume, mount it. If another "
            f"program has the published file open for writing, close it there. To begin with an "
            f"empty warehouse, move {target} away, and the folder {snapshots_of(target)} with it. "
            "Nothing is lost: the buffer keeps what is not loaded."
        ) from error
    log.warning("warehouse_taken_back", file=str(file), published=str(published))
    return True


def _published(target: Path) -> Path:
    """The published file, or where its link is lost the newest snapshot."""
    if target.is_file():
        return target
    return next(iter(snapshots_in(target)), target)


def _copy(published: Path, file: Path, reserve: int) -> None:
    size = published.stat().st_size
    if not has_room(file.parent, size, reserve):
        raise OSError(f"it takes {size:,} bytes, and disk_reserve_bytes would not be left free")
    file.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(file, partial_of(file), durable=True) as partial:
        partial.touch(mode=0o600)
        with published.open("rb") as source, partial.open("wb") as copy:
            copy_file(source, copy)
