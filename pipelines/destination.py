"""dlt's DuckDB destination, with copy jobs that look at the keys of what they add.

dlt's own `merge` copies into a staging table, then merges that by reading the whole key column
of the target: the cost of a load follows the history. Here a table of disposition `merge` is
loaded straight from its file, by one statement in a transaction of its own:

- `insert-only` adds the rows whose key the table does not have. It looks at those rows only
  that lie between the file's least and greatest id, and DuckDB skips all that is older.
- `upsert` is a `MERGE` on the key.

So a job can run any number of times. Whether it was killed before or after its commit, was
tried again by dlt, or comes again in another package: what is there already is not added.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.client import FollowupJobRequest, LoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema.utils import get_columns_names_with_prop
from dlt.destinations import duckdb
from dlt.destinations.impl.duckdb.duck import DuckDbClient, DuckDbCopyJob
from dlt.destinations.impl.duckdb.sql_client import DuckDBDBApiCursorImpl


class KeyedCopyJob(DuckDbCopyJob):
    """Loads one Parquet file into a table that has a key. Done again, it changes nothing."""

    def run(self) -> None:
        """One statement that changes anything, so one transaction."""
        hints: dict[str, Any] = {**self._load_table}
        add = {"insert-only": self._insert_new, "upsert": self._upsert}[hints["x-merge-strategy"]]
        client = self._job_client.sql_client
        add(
            client.make_qualified_table_name(self.load_table_name),
            f"read_parquet({client.capabilities.escape_literal(self._file_path)})",
            get_columns_names_with_prop(hints, "primary_key"),  # type: ignore[arg-type] # its dict
        )

    def _insert_new(self, table: str, file: str, key: list[str]) -> None:
        by = key[0]
        ends = self._execute(f"select min({by}), max({by}) from {file}")  # noqa: S608
        least, greatest = map(self._job_client.capabilities.escape_literal, ends[0])
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
        return self._job_client.sql_client.execute_sql(sql) or []


def _is_same_row(key: list[str]) -> str:
    return " and ".join(f"there.{name} = fresh.{name}" for name in key)


class _Cursor(DuckDBDBApiCursorImpl):
    def iter_arrow(self, chunk_size: int) -> Iterator[pa.Table]:  # type: ignore[override]
        # dlt 1.31 asks for fetch_arrow_table, which DuckDB 2 does not have any more
        if chunk_size:
            yield from super().iter_arrow(chunk_size)
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a copy, which dlt cannot avoid
            table: pa.Table = self.native_cursor.to_arrow_table()
        yield table


class KeyedDuckDbClient(DuckDbClient):
    """Without staging tables and without merge jobs: its copy jobs do all of it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # for dlt's dataset access and its dashboard
        self.sql_client.cursor_impl = _Cursor  # type: ignore[misc] # it is the class's, for mypy

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        """A keyed copy job for what dlt would stage and merge."""
        if table["write_disposition"] == "merge":
            return KeyedCopyJob(file_path)
        return super().create_load_job(table, file_path, load_id, restore)

    def should_load_data_to_staging_dataset(self, table_name: str) -> bool:
        """No table needs it."""
        return False

    def _create_merge_followup_jobs(
        self, table_chain: Sequence[PreparedTableSchema]
    ) -> list[FollowupJobRequest]:
        return []


class keyed_duckdb(duckdb):  # noqa: N801 # as dlt names its destinations
    """Takes what `dlt.destinations.duckdb` takes."""

    @property
    def client_class(self) -> type[DuckDbClient]:
        """The client that makes dlt's jobs."""
        return KeyedDuckDbClient

    def capabilities(
        self, config: Any = None, naming: Any = None
    ) -> DestinationCapabilitiesContext:
        """What dlt's own destination says of DuckDB."""
        # Without a configuration dlt resolves one at each of 29 calls a load, a fifth of its
        # time, of which DuckDB's capabilities use nothing.
        return super().capabilities(config or self.spec(), naming)
