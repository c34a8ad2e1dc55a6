"""Files that are there whole or not at all, however the process ends that writes them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def written_whole(
    path: Path, partial: Path | None = None, *, overwrite: bool = True, durable: bool = False
) -> Iterator[Path]:
    """A path to write a file to, which gets the name `path` at the end of the block.

    It is an empty file beside `path`, for its owner only, that no other writer has; or `partial`,
    on the same file system, where nothing is when the block begins: what a kill left there goes
    then. `durable` has file and name on the disk when it returns.

    After an error in the block nothing is left of it, and `path` is as it was. Without `overwrite`,
    raises `FileExistsError` at the end where something is at `path`. Raises `OSError`.
    """
    if partial is None:
        descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.partial-", dir=path.parent)
        os.close(descriptor)
        partial = Path(name)
    else:
        partial.unlink(missing_ok=True)
    try:
        yield partial
        if durable:
            sync(partial)
        if overwrite:
            partial.replace(path)
        else:
            path.hardlink_to(partial)  # unlike a rename, it never replaces a file
        if durable:
            sync(path.parent)
    finally:
        with suppress(OSError):  # what went wrong before says more
            partial.unlink(missing_ok=True)


def write_whole(path: Path, text: str, *, overwrite: bool = True) -> None:
    """Writes `text` to `path` in one step, so that no reader sees half of it.

    Raises as `written_whole`.
    """
    with written_whole(path, overwrite=overwrite) as partial:
        partial.write_text(text, encoding="utf-8")


def sync(path: Path) -> None:
    """Returns when a file, or what names there are in a folder, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
