"""What a power cut may leave at the end of SQLite's write-ahead log.

SQLite syncs the log before a commit returns and before any reader can see it, so a disk that
keeps its promise loses no whole commit. What it may leave behind the last commit is a tail of
frames that were never synced. Only such tails are made here, and only while no process has
the buffer open; a whole commit is never cut off.
https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import struct
from pathlib import Path
from random import Random
from typing import NamedTuple

HEADER, FRAME_HEADER = 32, 24

TAILS = ("garbage", "half a frame", "a transaction without its commit", "a bad checksum")


class Log(NamedTuple):
    """The valid part of a log: where its last commit ends, and how a next frame would go on."""

    end: int
    page_size: int
    byte_order: str
    salts: bytes
    checksum: tuple[int, int]


def read(content: bytes) -> Log | None:
    """The log's valid part, or None where it holds no commit."""
    if len(content) < HEADER:
        return None
    magic, _, page_size = struct.unpack_from(">III", content)
    order = ">" if magic & 1 else "<"
    salts = content[16:24]
    checksum = _checksum(order, content[:24], (0, 0))
    if checksum != struct.unpack_from(">II", content, 24):
        return None
    log = None
    at = HEADER
    while at + FRAME_HEADER + page_size <= len(content):
        header = content[at : at + FRAME_HEADER]
        page = content[at + FRAME_HEADER : at + FRAME_HEADER + page_size]
        checksum = _checksum(order, page, _checksum(order, header[:8], checksum))
        if header[8:16] != salts or struct.unpack(">II", header[16:]) != checksum:
            break
        at += FRAME_HEADER + page_size
        if header[4:8] != b"\0\0\0\0":  # the size of the database marks a commit
            log = Log(at, page_size, order, salts, checksum)
    return log


def tear(path: Path, kind: str, rng: Random) -> int:
    """Puts a torn tail behind the last commit; returns at which byte, 0 where there is no log."""
    content = path.read_bytes() if path.exists() else b""
    log = read(content)
    if log is None:
        return 0
    path.write_bytes(content[: log.end] + _tail(log, kind, rng))
    return log.end


def _tail(log: Log, kind: str, rng: Random) -> bytes:
    whole = b"".join(_uncommitted(log, rng, frames=rng.randrange(2, 5)))
    frame = FRAME_HEADER + log.page_size
    match kind:
        case "garbage":
            return rng.randbytes(rng.randrange(1, 3 * frame))
        case "half a frame":
            return whole[: frame + rng.randrange(1, frame)]
        case "a transaction without its commit":
            return whole
        case "a bad checksum":
            # as a commit, so that only the checksum keeps SQLite from taking it for one
            return whole[:4] + struct.pack(">I", 10) + whole[8:frame]
    raise ValueError(kind)


def _uncommitted(log: Log, rng: Random, *, frames: int) -> list[bytes]:
    """Frames that are valid but for the commit that never came; they would ruin page 1 to 8."""
    checksum = log.checksum
    made = []
    for _ in range(frames):
        head = struct.pack(">II", rng.randrange(1, 9), 0)
        page = rng.randbytes(log.page_size)
        checksum = _checksum(log.byte_order, page, _checksum(log.byte_order, head, checksum))
        made.append(head + log.salts + struct.pack(">II", *checksum) + page)
    return made


def _checksum(order: str, data: bytes, start: tuple[int, int]) -> tuple[int, int]:
    first, second = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for index in range(0, len(words), 2):
        first = (first + words[index] + second) & 0xFFFFFFFF
        second = (second + words[index + 1] + first) & 0xFFFFFFFF
    return first, second
