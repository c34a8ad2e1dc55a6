"""The statements that count and change the buffer's rows, each in a transaction of its caller."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import fields
from itertools import chain
from operator import attrgetter

from fluents_connector.buffer.limits import ROW_BYTES, Waiting
from fluents_connector.buffer.protocol import Receipt
from fluents_connector.delivery import Delivery

_FIELDS = [field.name for field in fields(Delivery)]
_values = attrgetter(*_FIELDS)
_ROW = f"({'?, ' * len(_FIELDS)}?, ?)"
_INTO = f"into deliveries ({', '.join(_FIELDS)}, duplicate_of, settled) values {_ROW}"
_INSERT = f"insert {_INTO}"
# SQLite copies each page before it changes it, to undo one statement alone, unless all is undone
_INSERT_ALL = f"insert or rollback {_INTO}"
_FIRST = (
    "select body_hash, event_id from deliveries"
    " where duplicate_of is null and reason is null and body_hash in (?"
)
MOST_ROWS = 50  # of one statement: SQLite reads each length of it once, and keeps it prepared
_SIZES = (
    f"select count(*), coalesce(sum(coalesce(length(body), 0) + {ROW_BYTES}), 0)"  # noqa: S608
    " from deliveries"
)
SETTLED = (
    "select position from deliveries where settled and reason is not null"
    " and position <= (select confirmed_position from buffer)"
)
"""The positions of refusals that were settled and are loaded."""

_WAITING = """
select
    pending_rows,
    pending_bytes,
    (
        select received_at from deliveries
        where position > confirmed_position
        order by position limit 1
    )
from buffer
"""


def waiting(connection: sqlite3.Connection) -> Waiting:
    """What is not loaded yet."""
    return Waiting(*connection.execute(_WAITING).fetchone())


def refused_bytes(connection: sqlite3.Connection) -> int:
    """What the bodies of refused deliveries take that are kept."""
    (size,) = connection.execute("select refused_bytes from buffer").fetchone()
    return int(size)


def loaded_bytes(connection: sqlite3.Connection) -> int:
    """About what events take that are loaded and still kept."""
    pending, refused = connection.execute(
        "select pending_bytes, refused_bytes from buffer"
    ).fetchone()
    # pages that are free for new rows do not count
    pages, free, size = (
        int(connection.execute(f"pragma {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size - int(pending) - int(refused)


def insert(
    connection: sqlite3.Connection,
    delivery: Delivery,
    *,
    duplicate_of: str | None = None,
    settled: bool = False,
) -> Receipt:
    """Adds a delivery; finds out by itself whether it repeats another that is there."""
    if duplicate_of is None and delivery.body_hash is not None:
        duplicate_of = _firsts(connection, [delivery.body_hash]).get(delivery.body_hash)
    connection.execute(_INSERT, (*_values(delivery), duplicate_of, settled))
    return Receipt(delivery.event_id, duplicate_of)


def insert_all(connection: sqlite3.Connection, deliveries: Sequence[Delivery]) -> list[Receipt]:
    """Adds deliveries in their order; finds out by itself which repeat another.

    By two statements for up to `MOST_ROWS`: at each one, Python's `sqlite3` lets the thread of the
    event loop go first, which then may hold up the transaction for milliseconds.
    """
    receipts: list[Receipt] = []
    for start in range(0, len(deliveries), MOST_ROWS):
        some = deliveries[start : start + MOST_ROWS]
        hashes = [one.body_hash for one in some if one.body_hash is not None]
        firsts = _firsts(connection, hashes) if hashes else {}
        added = [Receipt(one.event_id, _first_of(one, firsts)) for one in some]
        connection.execute(
            f"{_INSERT_ALL}{f', {_ROW}' * (len(some) - 1)}",
            [
                *chain.from_iterable(
                    (*_values(one), receipt.duplicate_of, False)
                    for one, receipt in zip(some, added, strict=True)
                )
            ],
        )
        receipts += added
    return receipts


def _firsts(connection: sqlite3.Connection, hashes: Sequence[bytes]) -> dict[bytes, str]:
    """The ids of the deliveries that came first with one of `hashes`, of which there is one."""
    return dict(connection.execute(f"{_FIRST}{', ?' * (len(hashes) - 1)})", hashes))


def _first_of(delivery: Delivery, firsts: dict[bytes, str]) -> str | None:
    """The id that `delivery` repeats; where there is none, it is the first from now on."""
    if delivery.body_hash is None:
        return None
    first = firsts.get(delivery.body_hash)
    if first is None:
        firsts[delivery.body_hash] = delivery.event_id
    return first


def count(
    connection: sqlite3.Connection,
    deliveries: Sequence[Delivery],
    *,
    received: int = 0,
    duplicates: int = 0,
    quarantined: int = 0,
) -> None:
    """Adds to the counters, so that they always say the same as the `deliveries` that were added.

    The others may differ from what these say, where one takes the place of another.
    """
    sizes = [(delivery.reason, len(delivery.body or b"")) for delivery in deliveries]
    connection.execute(
        "update buffer set received = received + ?, duplicates = duplicates + ?,"
        " quarantined = quarantined + ?, pending_rows = pending_rows + ?,"
        " pending_bytes = pending_bytes + ?, refused_bytes = refused_bytes + ?,"
        " redacted = redacted + ?",
        (
            received,
            duplicates,
            quarantined,
            len(sizes),
            sum(size for _, size in sizes) + ROW_BYTES * len(sizes),
            sum(size for reason, size in sizes if reason is not None),
            sum(delivery.redacted for delivery in deliveries),
        ),
    )


def last_position(connection: sqlite3.Connection) -> int:
    """The position of the newest delivery that was ever stored; 0 before the first."""
    row = connection.execute("select seq from sqlite_sequence where name = 'deliveries'").fetchone()
    return int(row[0]) if row else 0


def event_id_at(connection: sqlite3.Connection, position: int) -> str | None:
    """The id of the delivery at a position; None where there is none (any more)."""
    row = connection.execute(
        "select event_id from deliveries where position = ?", (position,)
    ).fetchone()
    return row[0] if row else None


def confirm(connection: sqlite3.Connection, position: int) -> None:
    """Moves the confirmed position, forwards or back, and what is pending with it."""
    (confirmed,) = connection.execute("select confirmed_position from buffer").fetchone()
    if position == confirmed:
        return
    last = last_position(connection)
    low, high = sorted((confirmed, position))
    rows, size = connection.execute(
        f"{_SIZES} where position > ? and position <= ?",
        (low, high),
    ).fetchone()
    sign = 1 if position < confirmed else -1
    connection.execute(
        "update buffer set confirmed_position = ?1,"
        # nothing is pending: whatever an older version added without counting it is gone
        " pending_rows = iif(?1 >= ?2, 0, max(0, pending_rows + ?3)),"
        " pending_bytes = iif(?1 >= ?2, 0, max(0, pending_bytes + ?4))",
        (position, last, sign * rows, sign * size),
    )


def unconfirm(connection: sqlite3.Connection, buffer_id: str) -> None:
    """Makes all that is kept pending, in a buffer of another id."""
    connection.execute(
        "update buffer set buffer_id = ?, confirmed_position = 0,"  # noqa: S608
        f" (pending_rows, pending_bytes) = ({_SIZES})",
        (buffer_id,),
    )


def delete(connection: sqlite3.Connection, positions: str, values: tuple[int | str, ...]) -> int:
    """Deletes deliveries at the positions that a query gives; returns how many."""
    deleted = connection.execute(
        f"delete from deliveries where position in ({positions})"  # noqa: S608 # our own SQL
        " returning iif(reason is null, 0, coalesce(length(body), 0))",
        values,
    ).fetchall()
    if refused := sum(size for (size,) in deleted):
        connection.execute("update buffer set refused_bytes = refused_bytes - ?", (refused,))
    return len(deleted)


def redacted_in(connection: sqlite3.Connection, delivery_id: str) -> int:
    """How many values were replaced in the body of a refused delivery."""
    found = connection.execute(
        "select redacted from deliveries where event_id = ? and reason is not null", (delivery_id,)
    ).fetchone()
    return int(found[0]) if found else 0


def settle(connection: sqlite3.Connection, delivery_id: str) -> bool:
    """Takes a refused delivery off the list; says whether it was on it.

    It goes at once if it is loaded, and with the next load otherwise.
    """
    settled = connection.execute(
        "update deliveries set settled = 1"
        " where event_id = ? and reason is not null and not settled",
        (delivery_id,),
    )
    delete(connection, f"{SETTLED} and event_id = ?", (delivery_id,))
    return settled.rowcount == 1
