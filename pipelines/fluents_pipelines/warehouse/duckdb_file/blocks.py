"""Which blocks of a DuckDB file can have changed since an earlier checkpoint of it.

The file is three headers of 4 KiB and blocks of 256 KiB
(https://duckdb.org/docs/stable/internals/storage). So that a crash harms nothing, a checkpoint
writes only to blocks that the one before it did not use, and to those that hold metadata. Each
checkpoint writes down which are free and which hold metadata; so who knows that of each checkpoint
since knows all blocks that can differ, and needs to compare no other.

The checksum that each block begins with does not tell: it is one XOR over all eight-byte words, so
the same values in another order have the same one.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAGIC = b"DUCK"
HEADER, HEADERS, BLOCK = 4096, 3 * 4096, 256 * 1024
FORMAT = 68
"""The version of the file format that DuckDB 1.5 and 2.0 give to what 1.5 can read."""
PARTS = 64
"""Parts of a block of metadata, each of which begins with a pointer to the next of its chain."""
PART = (BLOCK - 8) // PARTS // 8 * 8
NOWHERE = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last checkpoint of a file: its number, and the blocks that the next may write to.

    Beside those `writable` it may add blocks at the end of the file.
    """

    number: int
    writable: frozenset[int]


def checkpoint_of(file: BinaryIO) -> Checkpoint | None:
    """The last checkpoint of an open DuckDB file; None where its layout is not the one known."""
    try:
        return _checkpoint(file)
    except (struct.error, ValueError):
        return None


def differing(
    source: BinaryIO, copy: BinaryIO, blocks: Iterable[int] | None
) -> list[tuple[int, int]]:
    """Where an earlier copy of a file differs from it: offset and length in bytes of each part.

    `blocks` are those that can differ beside the headers and what is behind the end of the copy;
    None for all, whatever the files are.
    """
    size, copied = (os.fstat(file.fileno()).st_size for file in (source, copy))
    if blocks is None:
        numbers: Iterable[int] = range(_blocks_in(size))
    else:
        behind = range(max(0, _blocks_in(copied) - 1), _blocks_in(size))
        numbers = sorted({block for block in blocks if block < _blocks_in(size)} | {*behind})
    return list(_parts(source, copy, numbers))


def patch(source: BinaryIO, copy: BinaryIO, parts: Iterable[tuple[int, int]]) -> int:
    """Makes an earlier copy equal to a file by what differs; returns the bytes written."""
    written = 0
    for offset, length in parts:
        content = os.pread(source.fileno(), length, offset)
        while content:
            done = os.pwrite(copy.fileno(), content, offset)
            content, offset, written = content[done:], offset + done, written + done
    os.ftruncate(copy.fileno(), os.fstat(source.fileno()).st_size)
    return written


def _parts(source: BinaryIO, copy: BinaryIO, numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    places = [(0, HEADERS), *((HEADERS + number * BLOCK, BLOCK) for number in numbers)]
    for offset, length in places:
        content = os.pread(source.fileno(), length, offset)
        if content != os.pread(copy.fileno(), length, offset):
            yield offset, len(content)


def _blocks_in(size: int) -> int:
    return -(-max(0, size - HEADERS) // BLOCK)


def _checkpoint(file: BinaryIO) -> Checkpoint:
    magic, version = struct.unpack("<4sQ", os.pread(file.fileno(), 12, 8))
    number, _, free_list, count, block_size = max(
        struct.unpack("<5Q", os.pread(file.fileno(), 40, header + 8))
        for header in (HEADER, 2 * HEADER)
    )
    if (magic, version, block_size) != (MAGIC, FORMAT, BLOCK):
        raise ValueError("another format")
    if free_list == NOWHERE:
        return Checkpoint(number, frozenset())
    content, offset = b"".join(_chain(file, free_list)), 0

    def take(layout: str) -> list[tuple[int, ...]]:
        """A list: how many there are, and then each."""
        nonlocal offset
        (length,) = struct.unpack_from("<Q", content, offset)
        end = offset + 8 + length * struct.calcsize(layout)
        taken = list(struct.iter_unpack(layout, content[offset + 8 : end]))
        if len(taken) != length:
            raise ValueError("another layout")
        offset = end
        return taken

    free, _in_use_by_several, metadata = take("<Q"), take("<QI"), take("<QQ")
    writable = [block for block, *_ in (*free, *metadata)]
    if len(set(writable)) != len(writable) or not all(block < count for block in writable):
        raise ValueError("another layout")
    return Checkpoint(number, frozenset(writable))


def _chain(file: BinaryIO, pointer: int) -> Iterator[bytes]:
    """What a chain of parts of metadata blocks holds, from the part at `pointer` on."""
    seen = set()
    while pointer != NOWHERE:
        if pointer in seen:
            raise ValueError("no end")
        seen.add(pointer)
        part, block = divmod(pointer, 2**56)
        content = os.pread(file.fileno(), PART, HEADERS + block * BLOCK + 8 + part * PART)
        (pointer,) = struct.unpack_from("<Q", content)
        yield content[8:]
