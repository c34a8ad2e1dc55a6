"""Memory of the engines: what one delivery or call may get, and how it shows that it is too little.

Each engine has `memory_limit` for what it does with many at once. What does not fit is done in
halves, and a single delivery or call that does not fit gets `FOR_ONE` for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import duckdb

from fluents_connector.errors import ModelError

FOR_ONE = "2GB"
"""For what alone needs more than the limit, such as a transcript of a million turns."""

# What is left of DuckDB's error where Arrow or a job of dlt reports it, and how a commit says it.
_OUT_OF_MEMORY = re.compile(
    r"^(\S+: )?(Out of Memory Error: "
    r"|TransactionContext Error: Failed to commit: (failed to|could not) (pin|allocate|offload))",
    re.MULTILINE,
)
_UNITS = {"K": 1, "M": 2, "G": 3, "T": 4}


@contextmanager
def room_for_one(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """The connection's engine may take `FOR_ONE` meanwhile, where its limit is less."""
    ((limit,),) = connection.execute("select current_setting('memory_limit')").fetchall()
    if _bytes(limit) >= _bytes(FOR_ONE):
        yield
        return
    connection.execute(f"set memory_limit = '{FOR_ONE}'")
    try:
        yield
    finally:
        # Refused as long as the engine holds more than that, which is no reason to fail: it
        # stays larger then until the process ends.
        with suppress(duckdb.OutOfMemoryException):
            connection.execute(f"set memory_limit = '{limit}'")


def in_halves(
    start: int,
    stop: int,
    do: Callable[[int, int], None],
    *,
    room: Callable[[], AbstractContextManager[None]],
    skip: Callable[[int], None],
) -> None:
    """Does `do(start, stop)`, which is done whole or not at all, and can be done again.

    What fails because of its data is done in halves; a single one that fails gets `room`, and
    then is left to `skip`. Raises any other error.
    """
    try:
        do(start, stop)
        return
    except Exception as error:
        if not is_of_the_data(error):
            raise
    if stop - start > 1:
        middle = (start + stop) // 2
        for part in ((start, middle), (middle, stop)):
            in_halves(*part, do, room=room, skip=skip)
        return
    try:
        with room():
            do(start, stop)
    except Exception as error:
        if not is_of_the_data(error):
            raise
        skip(start)


def is_too_much(error: BaseException) -> bool:
    """Whether an error, or one that led to it, says that the data needs more than there is."""
    return any(
        isinstance(link, duckdb.OutOfMemoryException | MemoryError)
        or _OUT_OF_MEMORY.search(str(link))
        for link in _chain(error)
    )


def lack_of_memory(error: BaseException) -> str | None:
    """The line of an error's message that says so, without DuckDB's advice behind it."""
    found = _OUT_OF_MEMORY.search(str(error))
    return str(error)[found.start() :].partition("\n")[0] if found else None


def is_of_the_data(error: BaseException) -> bool:
    """Whether an error is likely to be about the rows: they are too much, or refused as values."""
    return is_too_much(error) or any(
        isinstance(link, duckdb.DataError | duckdb.InvalidInputException) for link in _chain(error)
    )


def is_of_models(error: BaseException) -> bool:
    """Whether an error, or one that led to it, says that models could not be made."""
    return any(isinstance(link, ModelError) for link in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        link = left.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        # the last two are dlt's, of a step of a pipeline and of a job
        inner = (getattr(link, name, None) for name in ("exception", "client_exception"))
        left += [link.__cause__, link.__context__, *inner]


def _bytes(size: str) -> float:
    found = re.fullmatch(r"([\d.]+) ?([KMGT])(i?)B", size)
    if found is None:  # bytes, which is little, or no limit
        return 0 if size.endswith("bytes") else float("inf")
    return float(found[1]) * float(1024 if found[3] else 1000) ** _UNITS[found[2]]
