"""What to tell the user when Postgres refuses, and what trying again may help against.

Of an error of the server only its first line is shown: the others quote the row, and so the body.
"""

from __future__ import annotations

from psycopg import Error
from psycopg.errors import (
    DiskFull,
    InsufficientPrivilege,
    ReadOnlySqlTransaction,
    TooManyConnections,
    UndefinedTable,
)

from fluents_connector.errors import BufferUnavailable

PASSING = frozenset(
    {
        *("57014", "55P03", "40001", "40P01"),  # waited too long for the counters' row
        *("57P01", "57P02", "57P03"),  # the server stops or starts
        *("25006", "53300"),  # it has become a standby; too many connections
    }
)
"""SQLSTATEs of refusals that left nothing behind and may be over in a moment."""

_RIGHTS = (
    "Give the user of buffer_url the schema: create schema {schema} authorization <user>; see "
    "docs/scaling.md."
)
_STANDBY = "It is a standby: name the primary, or all servers, as in postgresql://a,b/database."
_CONNECTIONS = (
    "Raise max_connections of the server, or the role's connection limit: each process of the "
    "receiver takes two, the loader two, a command two."
)
_BY_TYPE = (
    (DiskFull, "The disk of the Postgres server is full: make room there."),
    (InsufficientPrivilege, _RIGHTS),
    (ReadOnlySqlTransaction, _STANDBY),
    (TooManyConnections, _CONNECTIONS),
    (UndefinedTable, "Its tables are gone: bring them back, or restart the receiver to make some."),
)
# libpq gives no SQLSTATE for a connection that is refused, so its words decide
_BY_WORDS = (
    ("session is read-only", _STANDBY),
    ("recovery", _STANDBY),
    ("too many", _CONNECTIONS),
    ("remaining connection slots", _CONNECTIONS),
    (
        "password",
        "Give the right one in PGPASSWORD, ~/.pgpass, a service file or buffer_url.",
    ),
    ("authentication failed", "Look at the user in buffer_url and at the server's pg_hba.conf."),
    ("pg_hba.conf", "Let the user connect from here in the server's pg_hba.conf."),
    ("permission denied for database", "Grant connect on the database to the user of buffer_url."),
    ("does not exist", "Look at user and database in buffer_url; make them on the server first."),
    ("certificate", "Look at sslmode, sslrootcert and the name of the host in buffer_url."),
)
_OTHERWISE = (
    "Look at buffer_url, and whether the Postgres server runs and can be reached from here."
)


def unavailable(place: object, schema: str, error: Exception) -> BufferUnavailable:
    """What to say of an error of psycopg or libpq, by which nothing was stored."""
    return BufferUnavailable(
        f"The staging buffer {place} cannot be used: {said(error)}. Nothing was stored. "
        f"{_advice(error).format(schema=schema)}"
    )


def unknown(place: object, error: Exception) -> BufferUnavailable:
    """What to say of a commit whose outcome could not be found out."""
    return BufferUnavailable(
        f"The connection to the staging buffer {place} died during a commit: {said(error)}. It "
        "could not be made sure that it was stored. If it was and is sent again, that counts as a "
        "duplicate. Look whether the Postgres server and the standbys that its commits wait for "
        "run and can be reached."
    )


def said(error: Exception) -> str:
    """What the server, libpq or we said, on one line."""
    primary = error.diag.message_primary if isinstance(error, Error) else None
    return " ".join((primary or str(error) or type(error).__name__).split()).rstrip(".")


def _advice(error: Exception) -> str:
    for type_, advice in _BY_TYPE:
        if isinstance(error, type_):
            return advice
    text = said(error)
    return next((advice for words, advice in _BY_WORDS if words in text), _OTHERWISE)
