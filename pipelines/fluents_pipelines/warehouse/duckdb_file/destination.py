"""dlt's DuckDB destination, where a load package is one transaction and looks at its keys.

Left to itself, dlt commits each table of a package by itself, its schema first and its record of
the package last. Here a copy job only sets its file aside, and what completes the package does all
else in one transaction of the caller's connection: the schema and its row of `_dlt_version`, all
files, dlt's state among them, the row of `_dlt_loads`, and what the caller adds (`completing`). So
a kill at any point leaves all of a package or nothing.

dlt's own `merge` copies into a staging table, then merges that by reading the whole key column
of the target: the cost of a load follows the history. Here a table of disposition `merge` is
loaded straight from its file:

- `insert-only` adds the rows whose key the table does not have. It looks at those rows only
  that lie between the file's least and greatest id, and DuckDB skips all that is older.
- `upsert` is a `MERGE` on the key.

So a package can come any number of times: what is there already is not added. Tables of
disposition `append` are those of dlt itself. `replace`, which no table has, is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import BoundedSemaphore
from typing import Any

from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.client import (
    FollowupJobRequest,
    JobClientBase,
    LoadJob,
    RunnableLoadJob,
)
from dlt.common.destination.exceptions import DestinationTerminalException
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema import Schema, TSchemaTables
from dlt.common.schema.utils import get_columns_names_with_prop
from dlt.common.storages.load_package import LoadPackageStateInjectableContext
from dlt.destinations import duckdb
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.insert_job_client import InsertValuesLoadJob

from fluents_pipelines.sql_text import identifier
from fluents_pipelines.transactions import transaction
from fluents_pipelines.warehouse.duckdb_file.dlt_connection import Cursor, SameConnection
from fluents_pipelines.warehouse.protocol import Finish, nothing


def _is_same_row(key: list[str]) -> str:
    names = map(identifier, key)
    return " and ".join(f"there.{name} = fresh.{name}" for name in names)


class _SetAside(RunnableLoadJob):
    """A job that is done as soon as it is started: `complete_load` finds its file.

    It says so by `done_event`. Of a job that is done before it is started (`FinalizedLoadJob`)
    dlt learns only when it looks again, a second later.
    """

    def run_managed(self, job_client: JobClientBase, done_event: BoundedSemaphore, /) -> None:
        self.set_final_state("completed")
        with suppress(ValueError):  # another job has said so, and dlt has not looked yet
            done_event.release()

    def run(self) -> None:
        """Nothing is left to be done."""


class KeyedDuckDbClient(DuckDbClient):
    """Without staging tables and without merge jobs: it completes a package by itself."""

    finish: Finish = staticmethod(nothing)
    committed: Callable[[], None] = staticmethod(nothing)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # for dlt's dataset access and its dashboard
        self.sql_client.cursor_impl = Cursor  # type: ignore[misc] # it is the class's, for mypy
        credentials = self.sql_client.credentials
        if credentials.external_conn() is not None:
            credentials.conn_pool = SameConnection(credentials)

    def verify_schema(
        self, only_tables: Any = None, new_jobs: Any = None
    ) -> list[PreparedTableSchema]:
        """Refuses a package, before anything of it is done, as dlt does."""
        tables = super().verify_schema(only_tables, new_jobs)
        for table in tables:
            if table["write_disposition"] == "replace":
                raise DestinationTerminalException(
                    f"The table {table['name']} is to be replaced, which this destination cannot "
                    'do in the transaction of a package. Give it write_disposition="merge" and a '
                    "key."
                )
        return tables

    def update_stored_schema(
        self,
        only_tables: Iterable[str] | None = None,
        expected_update: TSchemaTables | None = None,
        force: bool = False,
    ) -> TSchemaTables | None:
        """Nothing yet: it is done by `complete_load`, in the transaction of the rows."""
        return {}

    @contextmanager
    def maybe_ddl_transaction(self) -> Iterator[None]:
        """None of its own, for the same reason."""
        yield

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        """A job that is done at once: `complete_load` finds its file among the completed."""
        return _SetAside(file_path)

    def complete_load(self, load_id: str) -> None:
        """Adds all that a package brings, its row of `_dlt_loads` included, or nothing of it."""
        # what dlt sets for this call: where the package lies
        packages = Container()[LoadPackageStateInjectableContext].storage
        jobs = packages.get_load_package_jobs(load_id)["completed_jobs"]
        connection = self.sql_client.native_connection
        with transaction(connection):
            super().update_stored_schema({job.table_name for job in jobs} | self._dlt_tables())
            for job in jobs:
                path = packages.get_job_file_path(load_id, "completed_jobs", job.file_name())
                self._add(
                    self.prepare_load_table(job.table_name),
                    packages.storage.make_full_path(path),
                    job.file_format,
                )
            super().complete_load(load_id)
            self.finish(connection)
        self.committed()

    def _dlt_tables(self) -> set[str]:
        return set(self.schema.dlt_table_names())

    def _add(self, table: PreparedTableSchema, path: str, file_format: str) -> None:
        """Adds the rows of one file to its table, in the transaction that is open."""
        hints: dict[str, Any] = {**table}
        name = self.sql_client.make_qualified_table_name(hints["name"])
        if file_format == "insert_values":  # dlt's own tables
            job = InsertValuesLoadJob(path)
            job._sql_client = self.sql_client  # type: ignore[assignment] # that of any client
            for statements in job._insert(name, path):
                self.sql_client.execute_fragments(statements)
            return
        file = f"read_parquet({self.capabilities.escape_literal(path)})"
        if hints["write_disposition"] == "append":
            self._execute(f"insert into {name} by name select * from {file}")  # noqa: S608
            return
        add = {"insert-only": self._insert_new, "upsert": self._upsert}[hints["x-merge-strategy"]]
        add(name, file, get_columns_names_with_prop(hints, "primary_key"))  # type: ignore[arg-type] # its dict

    def _insert_new(self, table: str, file: str, key: list[str]) -> None:
        by = identifier(key[0])
        ends = self._execute(f"select min({by}), max({by}) from {file}")  # noqa: S608
        least, greatest = map(self.capabilities.escape_literal, ends[0])
        self._execute(
            f"insert into {table} by name select * from {file} as fresh where not exists ("  # noqa: S608
            f" from {table} as there"
            f" where there.{by} between {least} and {greatest} and {_is_same_row(key)})"
        )

    def _upsert(self, table: str, file: str, key: list[str]) -> None:
        self._execute(
            f"merge into {table} as there using {file} as fresh on ({_is_same_row(key)})"
            " when matched then update by name when not matched then insert by name"
        )

    def _execute(self, sql: str) -> Sequence[Sequence[Any]]:
        return self.sql_client.execute_sql(sql) or []

    def should_load_data_to_staging_dataset(self, table_name: str) -> bool:
        """No table needs it."""
        return False

    def _create_merge_followup_jobs(
        self, table_chain: Sequence[PreparedTableSchema]
    ) -> list[FollowupJobRequest]:
        return []


class keyed_duckdb(duckdb):  # noqa: N801 # as dlt names its destinations
    """Takes what `dlt.destinations.duckdb` takes."""

    _finish: Finish = staticmethod(nothing)
    _committed: Callable[[], None] = staticmethod(nothing)

    @property
    def client_class(self) -> type[DuckDbClient]:
        """The client that makes dlt's jobs."""
        return KeyedDuckDbClient

    def client(self, schema: Schema, initial_config: Any = None) -> Any:
        """The client, which does what `completing` was given."""
        client: Any = super().client(schema, initial_config)
        client.finish, client.committed = self._finish, self._committed
        return client

    @contextmanager
    def completing(self, finish: Finish, committed: Callable[[], None] = nothing) -> Iterator[None]:
        """Packages that are loaded meanwhile do `finish`, too, last in their transaction.

        `committed` is called at once when one is.
        """
        self._finish, self._committed = finish, committed
        try:
            yield
        finally:
            self._finish, self._committed = nothing, nothing

    def capabilities(
        self, config: Any = None, naming: Any = None
    ) -> DestinationCapabilitiesContext:
        """What dlt's own destination says of DuckDB."""
        # Without a configuration dlt resolves one at each of 29 calls a load, a fifth of its
        # time, of which DuckDB's capabilities use nothing.
        return super().capabilities(config or self.spec(), naming)
