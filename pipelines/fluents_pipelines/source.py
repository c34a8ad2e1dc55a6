"""The dlt source: one batch of a staging buffer as the resources of the warehouse.

    batch = buffer.read(after, up_to, max_rows=50_000, max_bytes=64 * 1024**2)
    pipeline.run(fluents_source(batch))

Every resource is keyed, so loading a batch again changes nothing. `fluents_pipelines.load` adds
what a schedule needs: where to go on, and the proof that the warehouse holds what it was given.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.configuration.container import Container
from dlt.common.storages.load_package import LoadPackageStateInjectableContext
from dlt.extract import DltResource
from dlt.extract.items import DataItemWithMeta
from pyarrow import parquet

from fluents_connector.buffer import Batch
from fluents_connector.settings.payload_fields import PAYLOAD_FIELDS
from fluents_pipelines.batches import Normalized
from fluents_pipelines.normalize import Normalizer
from fluents_pipelines.tables import LOAD_ID, LOADS, NORMALIZED, Table


@dlt.source(name="fluents", max_table_nesting=0)
def fluents_source(
    batch: Batch | Normalized, *, empty_tables: bool = True
) -> Iterator[DltResource]:
    """The rows of `batch`, a resource a table of `fluents_pipelines.tables.ALL_TABLES`.

    A call whose events come in two batches is known by the second only, unless `batch` is
    normalized already, with what the destination has of the same calls. With `empty_tables` also
    the tables that the batch has no row for are created.
    """
    if isinstance(batch, Batch):
        with Normalizer(PAYLOAD_FIELDS) as normalizer:
            batch = Normalized.of(batch, normalizer.tables(batch))
    for table in NORMALIZED:
        rows = batch.tables[table.name]
        if rows.num_rows or empty_tables:
            yield _resource(table, _as_file(rows))
    yield _resource(LOADS, _loads_row(batch))


def _resource(table: Table, files: Iterator[DataItemWithMeta]) -> DltResource:
    # Any: dlt's own types do not know "insert-only" yet
    disposition: Any = {
        "disposition": "merge",
        "strategy": "upsert" if table.folded else "insert-only",
    }
    resource: DltResource = dlt.resource(
        files,
        name=table.name,
        columns=table.dlt_columns,
        primary_key=table.key,
        write_disposition=disposition,
    )
    resource.apply_hints(additional_table_hints={"description": table.description})
    return resource


def _loads_row(batch: Normalized) -> Iterator[DataItemWithMeta]:
    row = {
        "load_id": dlt.current.load_package_state()["load_id"],
        "buffer_id": batch.buffer_id,
        "after_position": batch.after,
        "up_to_position": batch.up_to,
        "up_to_event_id": batch.event_ids[-1] if batch.event_ids else None,
        "deliveries": len(batch.event_ids),
    }
    yield from _as_file(pa.Table.from_pylist([row], schema=LOADS.arrow_schema))


def _as_file(rows: pa.Table) -> Iterator[DataItemWithMeta]:
    """A Parquet file that dlt takes as it is: to write one itself, it configures a writer twice.

    A generator, because dlt gives a package its id only when it extracts.
    """
    package = Container()[LoadPackageStateInjectableContext]
    folder = package.storage.get_package_path(package.load_id)
    rows = rows.append_column(
        pa.field(LOAD_ID.name, pa.string(), LOAD_ID.nullable),
        pa.repeat(package.load_id, rows.num_rows),
    )
    # In the package, as dlt links it then and copies nothing, and drops it with the package.
    with tempfile.NamedTemporaryFile(
        dir=package.storage.storage.make_full_path(folder), suffix=".parquet"
    ) as file:
        parquet.write_table(rows, file)
        file.flush()
        yield dlt.mark.with_file_import(file.name, "parquet", rows.num_rows)
