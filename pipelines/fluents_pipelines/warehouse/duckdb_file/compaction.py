"""Writes the loader's file anew, without what nothing uses and with all of it compressed.

DuckDB never compresses again what it has stored, and gives little of a file back. So what was
loaded by a version that compressed less stays as it is until all of the file is copied into
another, which then takes its place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from fluents_connector.errors import LoadFailed
from fluents_connector.files import written_whole
from fluents_connector.loader_state import loader_state
from fluents_connector.settings import Settings
from fluents_pipelines.disk_space import has_room, limit_spilling
from fluents_pipelines.sql_text import identifier, literal
from fluents_pipelines.transactions import transaction
from fluents_pipelines.warehouse import properties
from fluents_pipelines.warehouse.duckdb_file.files import FILE, forget_partial, partial_of
from fluents_pipelines.warehouse.duckdb_file.migrations import refuse_newer
from fluents_pipelines.warehouse.duckdb_file.state import SNAPSHOT, begin_snapshot
from fluents_pipelines.warehouse.duckdb_file.storage import connect, make

_FORMER = "former"  # the name under which the former file is attached

_DESCRIBED = """
    select schema_name, view_name, sql, comment from duckdb_views()
    where database_name = ?1 and not internal
    union all
    select schema_name, table_name, null, comment from duckdb_tables()
    where database_name = ?1 and not internal
    union all
    select schema_name, table_name || '.' || column_name, data_type || is_nullable, comment
    from duckdb_columns() where database_name = ?1 and not internal
    order by all
"""


def compact(settings: Settings) -> tuple[int, int]:
    """Writes the loader's file anew; returns its bytes before and after. The next load publishes.

    After an error or a kill the former file is there. Raises `LoadFailed`, and `LoadRunning` while
    a load runs.
    """
    path = settings.data_dir / FILE
    with loader_state(settings).only_loader():
        if not path.exists():
            raise LoadFailed(f"There is no {path} yet: run `fluents-warehouse load` first.")
        refuse_newer(path)
        try:
            _fold_log(path, settings.memory_limit)
            before = path.stat().st_size
            if not has_room(path.parent, before, settings.disk_reserve_bytes):
                raise OSError(
                    f"the new file may take {before:,} bytes, and disk_reserve_bytes would not be "
                    "left free"
                )
            forget_partial(path)
            with written_whole(path, partial_of(path), durable=True) as partial:
                make(partial)
                with connect(partial, settings.memory_limit) as connection:
                    limit_spilling(connection, settings.data_dir, settings.disk_reserve_bytes)
                    _copy(path, connection)
        except (OSError, duckdb.Error) as error:
            raise LoadFailed(
                f"The loader's file {path} was not compacted, and is as it was: {error}"
            ) from error
        return before, path.stat().st_size


def _fold_log(path: Path, memory_limit: str) -> None:
    """Left beside the new file, the log of the former would be taken for its own."""
    connect(path, memory_limit).close()
    if path.with_name(f"{path.name}.wal").exists():
        raise OSError("its log could not be folded back")


def _copy(path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    ((copy,),) = connection.execute("select current_database()").fetchall()
    connection.execute(f"attach {literal(str(path))} as {_FORMER} (read_only)")
    connection.execute(f"copy from database {_FORMER} to {identifier(copy)}")
    if _content(connection, _FORMER) != _content(connection, copy):
        raise OSError("DuckDB has copied something else than is in it")
    connection.execute(f"detach {_FORMER}")
    # The snapshots are known by their blocks, and this is another file than they were made from.
    with transaction(connection):
        begin_snapshot(connection, properties.get(connection, SNAPSHOT))


def _content(connection: duckdb.DuckDBPyConnection, database: str) -> list[Any]:
    """What there is, as it is declared and described, and how many rows each table has."""
    tables = connection.execute(
        "select schema_name, table_name from duckdb_tables()"
        " where database_name = ? and not internal order by all",
        [database],
    ).fetchall()
    rows = [
        connection.execute(
            f"select count(*) from {'.'.join(map(identifier, (database, *table)))}"  # noqa: S608
        ).fetchall()
        for table in tables
    ]
    return [rows, connection.execute(_DESCRIBED, [database]).fetchall()]
