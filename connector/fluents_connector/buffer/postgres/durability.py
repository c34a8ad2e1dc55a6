"""What a commit on this server survives, by the server's own settings.

`synchronous_commit` and `synchronous_standby_names` say whether a commit waits for the disk, and
for which standbys. The first is set for our session to what is durable; the second is the owner's.
"""

from __future__ import annotations

import re
from typing import Any

from psycopg import Connection

from fluents_connector.buffer.protocol import Durability

CANCELLED_WAIT = frozenset({"01000", "57P01"})
"""SQLSTATEs of the warnings that a commit is on this server, and perhaps on no standby."""

SETTINGS = (
    "select current_setting('fsync'), current_setting('synchronous_commit'),"
    " current_setting('synchronous_standby_names')"
)

_STANDBYS = re.compile(r"\s*(?:(?:any|first)\s+)?(\d+)\s*\(", re.IGNORECASE)


class NotDurable(Exception):
    """The server's settings do not make a commit as durable as it must be."""


def described(row: tuple[Any, ...]) -> Durability:
    """What `SETTINGS` found, in words and as the number of standbys that a commit waits for."""
    fsync, synchronous, names = row
    replicas = _waited_for(names) if synchronous in ("on", "remote_apply") else 0
    waits = f"each commit waits for {names}" if replicas else "no commit waits for a standby"
    return Durability(
        f"Postgres, fsync = {fsync}, synchronous_commit = {synchronous}; {waits}", replicas
    )


def require(row: tuple[Any, ...], replicas: int) -> None:
    """Raises `NotDurable` where a commit would survive less than it must."""
    found = described(row)
    if row[0] != "on":
        raise NotDurable(
            "the server does not sync its disk: fsync is off. Set fsync = on in its "
            "postgresql.conf, as what is acknowledged must survive a power cut"
        )
    if found.replicas < replicas:
        raise NotDurable(
            f"a commit waits for {found.replicas} standbys, and require_replicas is {replicas}. "
            f"Set synchronous_standby_names = 'ANY {replicas} (…)' on the server, or "
            "require_replicas lower"
        )


def make_durable(connection: Connection[Any], replicas: int) -> None:
    """Sets for the session, whatever the owner sets from now on, that a commit waits for the disk.

    `local` stays where no standby is required: it waits for the disk of the server.
    """
    keep = ["remote_apply"] if replicas else ["remote_apply", "local"]
    connection.execute(
        "select set_config('synchronous_commit', case when current_setting('synchronous_commit')"
        " = any(%s) then current_setting('synchronous_commit') else 'on' end, false)",
        (keep,),
    )


def _waited_for(names: str) -> int:
    """How many standbys a commit waits for: the number in `ANY 2 (…)`, or 1 for a plain list."""
    if not names.strip():
        return 0
    numbered = _STANDBYS.match(names)
    return int(numbered[1]) if numbered else 1
