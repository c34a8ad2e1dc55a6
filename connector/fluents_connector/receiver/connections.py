"""How many connections a worker may hold: so many that idle ones do not keep senders out."""

from __future__ import annotations

import resource

MOST = 16_384  # connections of a worker; an idle one takes about 15 kB
OTHER_FILES = 256  # files kept free for the buffer, libraries, metrics and pipes
WAITING = 4096  # connections that the kernel keeps until a worker takes them (somaxconn limits it)


def raise_file_limit() -> int:
    """Raises this process's soft limit of open files to the hard limit, and returns it.

    Each connection takes a file, and the usual soft limit is 1,024.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + OTHER_FILES if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return MOST + OTHER_FILES if soft == resource.RLIM_INFINITY else soft


def connections_of_a_worker(open_files: int) -> int:
    """How many connections a worker may hold at once if it may open `open_files` files."""
    return max(min(MOST, open_files - OTHER_FILES), 64)
