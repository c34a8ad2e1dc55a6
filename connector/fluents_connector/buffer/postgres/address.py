"""Where a Postgres buffer is: the URL, as libpq reads it, and a schema in the database.

libpq's own ways hold: several hosts, TLS, `PG…` variables, `~/.pgpass`, service files. What it is
not told is set here so that nothing waits for ever and a standby is not taken for the primary.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from fluents_connector.errors import SettingsError

CONNECT_SECONDS = 5

_UNLESS_TOLD = {
    "application_name": ("PGAPPNAME", "fluents-warehouse"),
    "connect_timeout": ("PGCONNECT_TIMEOUT", str(CONNECT_SECONDS)),  # for each host
    "target_session_attrs": ("PGTARGETSESSIONATTRS", "read-write"),
    # a connection to a machine that is gone is given up after some ten seconds
    "keepalives_idle": ("", "5"),
    "keepalives_interval": ("", "2"),
    "keepalives_count": ("", "3"),
    "tcp_user_timeout": ("", "10000"),
}
"""For each parameter of libpq: the variable that gives it too, and what we give otherwise."""


@dataclass(frozen=True, slots=True)
class Address:
    """The database that `url` names, and the schema in it. Its text shows no password."""

    url: str = field(repr=False)
    schema: str

    def parameters(self) -> dict[str, str]:
        """What to connect with. Raises `SettingsError` where the URL cannot be read."""
        given = _read(self.url)
        added = {
            key: value
            for key, (variable, value) in _UNLESS_TOLD.items()
            if key not in given and not (variable and variable in os.environ)
        }
        # what the session says and hears is UTF-8, whatever the database's own encoding
        return given | added | {"client_encoding": "UTF8"}

    def __str__(self) -> str:
        try:
            given = _read(self.url)
        except SettingsError:
            return "postgresql://… (buffer_url cannot be read)"
        hosts = given.get("host", given.get("hostaddr", "")).split(",")
        ports = given.get("port", "").split(",")
        # one port may be for all hosts
        ports = ports * len(hosts) if len(ports) == 1 else ports
        places = [
            f"{host}:{port}" if port else host for host, port in zip(hosts, ports, strict=False)
        ]
        user = f"{given['user']}@" if "user" in given else ""
        service = f"?service={given['service']}" if "service" in given else ""
        where = f"postgresql://{user}{','.join(places)}/{given.get('dbname', '')}{service}"
        return f"{where} (schema {self.schema})"


def _read(url: str) -> dict[str, str]:
    """The parameters in a URL. Raises `SettingsError`, which does not quote it."""
    try:
        given = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    except ProgrammingError:  # its text may quote the password
        raise SettingsError(f"buffer_url cannot be read as a URL of Postgres. {_WRITE}") from None
    is_port = all(port.isdecimal() or not port for port in given.get("port", "").split(","))
    if not is_port or "@" in given.get("dbname", ""):
        # so libpq reads a password that holds a / or @, and would name it in its errors
        raise SettingsError(f"buffer_url has no host and port that can be read. {_WRITE}")
    return given


_WRITE = (
    "Write postgresql://user@host:5432/database. In a user, password or name, write %40 for @, "
    "%2F for / and %3A for :. A password is better in PGPASSWORD, ~/.pgpass or a service file."
)
