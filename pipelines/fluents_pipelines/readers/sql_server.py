"""Serves the published warehouse to DuckDB clients, over DuckDB's own Quack protocol, read-only.

It serves the published file, from a process of its own, and not the loader's. Quack keeps the
transaction of a result until its client has read it, for ever if the client is killed, and while
one is open DuckDB refuses the checkpoint that publishing needs: one killed notebook would stop
all publishing. Here it keeps an old file alive, and shares neither memory nor crashes with the
loader. Each new file is attached beside the old one, and the views that clients select from are
turned to it in one transaction: a query reads all of one file.

What keeps clients from writing: the file is attached read-only in an engine that may touch no
other file, `admitted` of `sql/serving.sql` lets nothing but a SELECT from what is served pass, and
the configuration is locked. What the environment tells DuckDB of passwords is not in that engine.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import socket
import time
from collections import Counter, deque
from collections.abc import Hashable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import structlog

from fluents_connector.errors import SqlUnavailable
from fluents_connector.settings import Settings
from fluents_pipelines.models.scope import ANALYTICS, STALE
from fluents_pipelines.sql_files import sql_folder
from fluents_pipelines.sql_text import identifier, literal
from fluents_pipelines.tables import SCHEMA
from fluents_pipelines.transactions import transaction
from fluents_pipelines.warehouse import published

# A query that began before the views were turned still asks for the former file by its name. No
# longer than that: while a file is attached, publishing cannot write into it.
GRACE_SECONDS = 0.5

EXTENSIONS = ("httpfs", "quack")  # Quack takes its random numbers from httpfs

# httpfs and DuckDB make settings of them, which SQL can read
_CREDENTIALS = re.compile(r"AWS_.*|DUCKDB_S3_.*|.*_PROXY", re.IGNORECASE)

log = structlog.get_logger(__name__)


def load_quack(connection: duckdb.DuckDBPyConnection) -> None:
    """Loads Quack, from PyPI's packages or else from DuckDB's server. Raises `SqlUnavailable`."""
    for name in EXTENSIONS:
        try:
            with suppress(ImportError):
                package = importlib.import_module("duckdb_extensions")
                with suppress(duckdb.Error):  # it is not for this version of DuckDB
                    package.import_extension(name, con=connection)
            connection.execute(f"install {name}")  # nothing where it is installed
            connection.load_extension(name)
        except duckdb.Error as error:
            reason = str(error).splitlines()[0].rstrip(":. ")
            raise SqlUnavailable(
                f"SQL cannot be served: DuckDB {duckdb.__version__} has no extension `{name}` here "
                f"({reason}). DuckDB fetches it by itself where it reaches extensions.duckdb.org. "
                "Elsewhere: pip install duckdb==1.5.5 duckdb-extensions==1.5.5 "
                "duckdb-extension-quack==1.5.5 duckdb-extension-httpfs==1.5.5"
            ) from error


def check_quack(settings: Settings) -> None:
    """Raises `SqlUnavailable` where SQL cannot be served."""
    _token(settings)
    with closing(duckdb.connect()) as connection:
        load_quack(connection)


class SqlServer:
    """Serves until it is closed; `follow` turns it to a file that was published since.

    It takes credentials of S3 and proxies out of this process's environment, for good.
    """

    def __init__(self, settings: Settings, *, grace_seconds: float = GRACE_SECONDS) -> None:
        token = _token(settings)
        self._grace_seconds = grace_seconds
        check_quack(settings)  # here the extensions are fetched, through a proxy if there is one
        for name in filter(_CREDENTIALS.fullmatch, list(os.environ)):
            del os.environ[name]
        self._published = published(settings)
        self._served: Hashable | None = None  # the version that the views lead to
        self._failed: Hashable | None = None
        self._number = 0  # of the last database that was attached, so that no name comes twice
        self._database = ""  # that the views lead to
        self._former: deque[tuple[float, str]] = deque()  # until when they led to which
        self._left_out: dict[str, str] = {}
        self.uri = settings.sql_uri
        with ExitStack() as opened:
            self._links = Path(opened.enter_context(TemporaryDirectory(prefix="fluents-sql-")))
            self._connection = opened.enter_context(
                closing(duckdb.connect(config={"python_enable_replacements": False}))
            )
            self._connection.execute((sql_folder() / "serving.sql").read_text(encoding="utf-8"))
            load_quack(self._connection)
            self._lock_in(settings)
            self.follow()
            self._serve(settings, token)
            self._opened = opened.pop_all()

    def __enter__(self) -> SqlServer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Takes no more clients, and ends those that are there."""
        with self._opened:
            self._connection.execute("call quack_stop(?)", [self.uri])

    def remove_links(self) -> None:
        """Removes the links to what is served, where the process ends without `close`."""
        shutil.rmtree(self._links, ignore_errors=True)

    def follow(self) -> None:
        """Serves what is published if it is new; if it cannot, the former, and tries again."""
        version = self._published.version()
        try:
            if version is not None and version != self._served:
                self._serve_published()
                self._served = version
            while self._former and time.monotonic() - self._former[0][0] >= self._grace_seconds:
                self._published.detach(self._connection, self._former.popleft()[1], self._links)
        except (duckdb.Error, OSError) as error:
            if version != self._failed:  # once, and not at each look
                log.error("sql_not_refreshed", error=str(error))
            self._failed = version

    def _lock_in(self, settings: Settings) -> None:
        connection = self._connection
        folders, files = self._published.readable
        spill = settings.data_dir.resolve() / "sql-spill"
        for name, value in {
            "memory_limit": literal(settings.memory_limit),
            "temp_directory": literal(str(spill)),
            "allowed_directories": f"[{', '.join(map(literal, folders))}]",
            "allowed_paths": f"[{', '.join(map(literal, files))}]",
            "enable_external_access": "false",
            "quack_authorization_function": "'admitted'",
            "lock_configuration": "true",
        }.items():
            connection.execute(f"set global {name} = {value}")

    def _serve(self, settings: Settings, token: str) -> None:
        family = socket.AF_INET6 if ":" in settings.sql_host else socket.AF_INET
        try:
            # Quack would share a port with whoever has it.
            socket.create_server((settings.sql_host, settings.sql_port), family=family).close()
            self._connection.execute(
                "call quack_serve(?, token := ?, allow_other_hostname := true)", [self.uri, token]
            )
        except (duckdb.Error, OSError) as error:
            raise SqlUnavailable(f"SQL cannot be served on {self.uri}: {error}") from error

    def _serve_published(self) -> None:
        self._number += 1
        database = f"published_{self._number}"
        try:
            self._published.attach(self._connection, database, self._links)
            self._turn_to(database)
        except BaseException:
            self._published.detach(self._connection, database, self._links)
            raise
        former, self._database = self._database, database
        if former:
            self._former.append((time.monotonic(), former))

    def _turn_to(self, database: str) -> None:
        relations = self._relations(database)
        count = Counter(name.lower() for _, name, _ in relations)
        connection = self._connection
        with transaction(connection):
            for (name,) in connection.execute(
                "select relation_name from serving.served where create_sql is not null"
            ).fetchall():
                connection.execute(f"drop view main.{identifier(name)}")
            for schema in (SCHEMA, ANALYTICS):
                connection.execute(f"drop schema if exists {schema} cascade")
                connection.execute(f"create schema {schema}")
            connection.execute("delete from serving.served")
            for schema, name, create_sql in relations:
                source = f"{database}.{schema}.{identifier(name)}"
                connection.execute(f"create view {schema}.{identifier(name)} as from {source}")
                # Quack leaves the schema out when it asks for a table, so it must be found without.
                is_table = count[name.lower()] == 1
                if is_table:
                    connection.execute(f"create view main.{identifier(name)} as from {source}")
                connection.execute(
                    "insert into serving.served values (?, ?, ?)",
                    [schema, name, create_sql if is_table else None],
                )

    def _relations(self, database: str) -> list[tuple[str, str, str]]:
        """Schema, name and a `CREATE TABLE` of all that can be selected from."""
        found = []
        left_out = {}
        for schema, name in self._connection.execute(
            "select schema_name, table_name from system.main.duckdb_tables()"
            " where database_name = ?1 union all"
            " select schema_name, view_name from system.main.duckdb_views()"
            " where database_name = ?1 order by all",
            [database],
        ).fetchall():
            if schema not in (SCHEMA, ANALYTICS) or f"{schema}.{name}" == STALE:
                continue
            try:
                columns = self._connection.execute(
                    f"describe {database}.{schema}.{identifier(name)}"
                ).fetchall()
            except duckdb.Error as error:  # a custom model that reads another file
                left_out[name] = str(error)
                continue
            listed = ", ".join(f"{identifier(column)} {type_}" for column, type_, *_ in columns)
            found.append((schema, name, f"CREATE TABLE {schema}.{identifier(name)} ({listed})"))
        for name, reason in left_out.items() - self._left_out.items():
            log.warning("model_not_served", model=name, error=reason)
        self._left_out = left_out
        return found


def _token(settings: Settings) -> str:
    if settings.sql_token is None:
        raise SqlUnavailable(
            'SQL needs a token. Put sql_token = "…" into the settings, above the first [section]. '
            'Make one with: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return settings.sql_token.get_secret_value()
