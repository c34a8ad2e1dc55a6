"""How many connections a worker holds, so that idle ones of strangers shut nobody out."""

from __future__ import annotations

import resource

MOST = 16_384  # of a worker; an idle one takes some 15 kB
OTHER_FILES = 256  # the buffer, libraries, metrics, pipes: never for connections
WAITING = 4096  # connections that the kernel keeps until a worker takes them (somaxconn limits it)


def raise_file_limit() -> int:
    """Raises this process's limit of open files to the hard one; returns how many it is.

    Each connection takes one, and the usual soft limit is 1,024.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + OTHER_FILES if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return MOST + OTHER_FILES if soft == resource.RLIM_INFINITY else soft


def connections_of_a_worker(open_files: int) -> int:
    """How many connections a worker may hold at once, of that many open files."""
    return max(min(MOST, open_files - OTHER_FILES), 64)
