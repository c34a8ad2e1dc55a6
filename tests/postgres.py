"""Real Postgres servers for tests: a cluster below a temporary folder, on a port of the loopback.

Postgres refuses to run as root; its processes then run as another user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from tests import needs

USER = "nobody"
"""Who runs the server where the tests run as root."""

WAIT_SECONDS = 60
_SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "max_connections": "50",
    "shared_buffers": "16MB",
    "logging_collector": "off",
    "max_wal_size": "256MB",
    "jit": "off",
}


def free_port() -> int:
    """A port of the loopback that nobody has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Server:
    """A Postgres server whose files are in `folder`; its superuser is `owner`, without password."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def make(self, *options: str) -> None:
        """Makes an empty cluster, with options of `initdb`."""
        self.own(self.folder)
        self.run(
            "initdb",
            "--username=owner",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
            *options,
        )
        self.configure(**_SETTINGS)

    def copy_of(self, primary: Server, name: str) -> None:
        """Makes this a standby of `primary`, which knows it as `name`."""
        self.own(self.folder)
        source = f"host=127.0.0.1 port={primary.port} user=owner application_name={name}"
        self.run(
            "pg_basebackup",
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
            f"--dbname={source}",
        )

    def configure(self, **settings: str) -> None:
        """Sets what is to hold from the next start or reload on."""
        with (self.folder / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        command = [program("postgres"), "-D", str(self.folder), "-p", str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **_as_user())
        for _ in range(WAIT_SECONDS * 20):
            if self._process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text())
            with suppress(psycopg.OperationalError), self.connect():
                return
            time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stops it: fast, or as if its machine had died (SIGQUIT)."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(WAIT_SECONDS)
            self._process = None

    def signal(self, how: signal.Signals) -> None:
        """Sends a signal to its first process."""
        assert self._process
        self._process.send_signal(how)

    @staticmethod
    def stop_process(pid: int) -> None:
        """Lets one process of the server answer nothing any more."""
        os.kill(pid, signal.SIGSTOP)

    @staticmethod
    def continue_process(pid: int) -> None:
        """Lets it go on, if it is there still."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def reload(self) -> None:
        """Lets it read its configuration again."""
        with self.connect() as connection:
            connection.execute("select pg_reload_conf()")
        time.sleep(0.2)  # until the processes of other sessions have seen it

    def wait_for(self, standby: Server) -> None:
        """Returns when a standby has all that this server has."""
        with self.connect() as connection, standby.connect() as other:
            (here,) = connection.execute("select pg_current_wal_flush_lsn()").fetchall()[0]
            for _ in range(WAIT_SECONDS * 20):
                reached = "select pg_last_wal_replay_lsn() >= %s::pg_lsn"
                if other.execute(reached, (here,)).fetchone() == (True,):
                    return
                time.sleep(0.05)
        raise AssertionError("the standby does not follow")

    def cut_off(self) -> None:
        """Lets a standby receive nothing more."""
        self.configure(primary_conninfo="''")
        self.reload()

    def promote(self) -> None:
        """Makes a standby the primary."""
        with self.connect() as connection:
            assert connection.execute("select pg_promote(true, 60)").fetchone() == (True,)

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A connection of the superuser."""
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=5)

    def url(self, database: str = "postgres", user: str = "owner") -> str:
        """What `buffer_url` is to be."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def run(self, name: str, *arguments: str) -> None:
        """Runs a program of the server's with its folder."""
        ended = subprocess.run(
            [program(name), f"--pgdata={self.folder}", *arguments],
            capture_output=True,
            text=True,
            check=False,
            **_as_user(),
        )
        assert ended.returncode == 0, ended.stderr

    @staticmethod
    def own(folder: Path) -> None:
        """Makes a folder for the server's user alone."""
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            found = pwd.getpwnam(USER)
            os.chown(folder, found.pw_uid, found.pw_gid)


@contextmanager
def new_folder() -> Iterator[Path]:
    """A temporary folder that the server's user can reach."""
    with tempfile.TemporaryDirectory(prefix="fluents-postgres-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextmanager
def running(name: str = "primary", **settings: str) -> Iterator[Server]:
    """A new server, until the end of the block."""
    with new_folder() as folder:
        server = Server(folder / name)
        server.make()
        server.configure(**settings)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)


@contextmanager
def standby_of(primary: Server, name: str) -> Iterator[Server]:
    """A standby that `primary` knows as `name`, until the end of the block."""
    server = Server(primary.folder.parent / f"standby-{name}")
    server.copy_of(primary, name)
    server.start()
    try:
        yield server
    finally:
        server.stop(signal.SIGQUIT)


def program(name: str) -> str:
    """The path of a program of Postgres's; without it the test is skipped."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = str(places[0]) if places else shutil.which(name)
    return found or needs.missing(f"{name} is missing: apt-get install postgresql")


def _as_user() -> dict[str, Any]:
    return (
        {"cwd": "/", "user": USER, "group": pwd.getpwnam(USER).pw_gid, "extra_groups": []}
        if (os.geteuid() == 0)
        else {"cwd": "/"}
    )
