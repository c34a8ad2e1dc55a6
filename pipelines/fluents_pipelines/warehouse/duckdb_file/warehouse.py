"""The loader's own warehouse file: written by dlt, asked by us what it holds.

It is brought up to date when it is opened, so its tables and columns are always there.

Only one process may have it open, which the lock of `fluents_pipelines.load` sees to. Readers open
the published copy instead.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

import dlt
import duckdb
import pyarrow as pa
from dlt.common.pipeline import LoadInfo
from dlt.pipeline.exceptions import PipelineStepFailed

from fluents_connector.errors import LoadFailed
from fluents_connector.settings import Settings
from fluents_pipelines.memory import lack_of_memory
from fluents_pipelines.tables import CALLS, SCHEMA
from fluents_pipelines.warehouse.duckdb_file import progress
from fluents_pipelines.warehouse.duckdb_file.destination import keyed_duckdb
from fluents_pipelines.warehouse.duckdb_file.migrations import migrate, refuse_newer

PIPELINE = "fluents_warehouse"
FILE = "warehouse.duckdb"
# What DuckDB 2 writes by default, no 1.x can read, and most tools come with a DuckDB of their own.
# A file keeps its format for good.
STORAGE = "storage_compatibility_version"
READABLE_FROM = "v1.5.0"
KEPT_PACKAGES = 10  # for `dlt pipeline … info` and whoever looks into a load


class Warehouse:
    """The open warehouse and its dlt pipeline. Close it, or use it in a `with` block."""

    def __init__(self, settings: Settings) -> None:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        self.path = settings.data_dir / FILE
        try:
            self._make_whole()
            refuse_newer(self.path)
            self.connection = duckdb.connect(
                str(self.path),
                config={"memory_limit": settings.memory_limit, "python_enable_replacements": False},
            )
        except (duckdb.Error, OSError) as error:
            raise LoadFailed(
                f"The loader's file {self.path} cannot be opened: {error}. If another program "
                f"has it open, close it there: readers open {settings.warehouse_path}."
            ) from error
        try:
            migrate(self.connection)
        except duckdb.Error as error:
            self.connection.close()
            raise LoadFailed(
                f"The loader's file {self.path} cannot be brought up to date: {error}. It was not "
                "changed. The buffer keeps what waits."
            ) from error
        except LoadFailed:
            self.connection.close()
            raise
        dlt.config["normalize.parquet_normalizer.add_dlt_load_id"] = True
        self.pipeline = dlt.pipeline(
            PIPELINE,
            destination=keyed_duckdb(self.connection, destination_name="duckdb"),
            dataset_name=SCHEMA,
            pipelines_dir=str(settings.data_dir / "dlt"),
        )

    def _make_whole(self) -> None:
        # A full disk would leave half a file at the path, which no later load could open.
        if not self.path.exists():
            partial = self.path.with_name(f"{FILE}.partial")
            partial.unlink(missing_ok=True)
            duckdb.connect(str(partial), config={STORAGE: READABLE_FROM}).close()
            partial.rename(self.path)

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file; DuckDB folds its write-ahead log back into it."""
        self.connection.close()

    def is_new_to_dlt(self) -> bool:
        """Whether dlt has recorded no schema yet, or none since tables or columns were made.

        The next load should then name all tables.
        """
        return not self._rows(f"select 1 from {SCHEMA}._dlt_version limit 1")  # noqa: S608

    def drop_pending(self) -> bool:
        """Drops what an interrupted load left in dlt's folder; says whether there was any.

        dlt would load it before anything else, by the schema of whoever wrote it. The buffer has
        all of it still, and a new package starts clean.
        """
        pipeline = self.pipeline
        # not has_pending_data, which leaves out packages whose dropping was itself interrupted
        if not (
            pipeline.list_extracted_load_packages() or pipeline.list_normalized_load_packages()
        ):
            return False
        pipeline.abort_packages()
        return True

    def load(self, source: Any) -> LoadInfo:
        """Runs the pipeline on `source`, as one transaction.

        Raises `LoadFailed`: the warehouse has nothing of it then, and what DuckDB said is among
        the error's causes.
        """
        self.drop_pending()  # a failed load's package, which dlt would load before this one
        try:
            return self.pipeline.run(source, loader_file_format="parquet")
        except PipelineStepFailed as error:
            raise LoadFailed(
                f"dlt failed to {error.step}: {_what_happened(error.exception)} Nothing is lost: "
                "the next load starts where this one did."
            ) from error

    def forget_loaded_packages(self) -> None:
        """Deletes all but the newest of the packages that dlt keeps once they are loaded.

        dlt never does: a load a second would leave gigabytes a day.
        """
        # dlt can delete only their jobs by a setting (load.delete_completed_jobs)
        storage = self.pipeline._get_load_storage()
        for load_id in sorted(self.pipeline.list_completed_load_packages())[:-KEPT_PACKAGES]:
            storage.delete_loaded_package(load_id)

    def position(self, buffer_id: str) -> tuple[int, str | None]:
        """Up to which position of a buffer it holds everything, and the delivery there."""
        with closing(self.connection.cursor()) as cursor:
            return progress.position(cursor, buffer_id)

    def missing(self, event_ids: list[str]) -> list[str]:
        """Which of some deliveries it does not hold."""
        with closing(self.connection.cursor()) as cursor:
            return progress.missing(cursor, event_ids)

    def known_calls(self, call_ids: pa.Table) -> pa.Table:
        """The rows of `calls` for the given ids (one column `call_id`)."""
        if not call_ids.num_rows:
            return CALLS.arrow_schema.empty_table()
        with closing(self.connection.cursor()) as cursor:
            return progress.rows_of_calls(cursor, CALLS, call_ids)

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        cursor = self.connection.cursor()
        try:
            return cursor.execute(sql, list(values)).fetchall()
        finally:
            cursor.close()


def _what_happened(error: BaseException) -> str:
    """A line: dlt puts whole stack traces before it, and DuckDB advice behind a lack of memory."""
    line = lack_of_memory(error) or str(error).rstrip(" .\n").rsplit("\n", 1)[-1]
    return line.rstrip(" .") + "."
