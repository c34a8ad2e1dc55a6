"""dlt's pipeline into a warehouse: one package is one batch, and what a kill left is dropped."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import dlt
from dlt.common.destination import Destination
from dlt.common.storages import NormalizeStorage
from dlt.pipeline.exceptions import PipelineStepFailed

from fluents_connector.errors import LoadFailed
from fluents_pipelines.memory import lack_of_memory
from fluents_pipelines.tables import SCHEMA

PIPELINE = "fluents_warehouse"
KEPT_PACKAGES = 10  # for `dlt pipeline … info` and whoever looks into a load


class LoadPipeline:
    """The pipeline of one destination, with its working folder `folder`."""

    def __init__(self, destination: Destination[Any, Any], folder: Path) -> None:
        self.pipeline = dlt.pipeline(
            PIPELINE, destination=destination, dataset_name=SCHEMA, pipelines_dir=str(folder)
        )

    def drop_pending(self) -> bool:
        """Drops what an interrupted load left in dlt's folder; says whether there was any.

        dlt would load it before anything else, by the schema of whoever wrote it. The buffer has
        all of it still, and a new package starts clean.
        """
        pipeline = self.pipeline
        self._delete_unfinished()
        # not has_pending_data, which leaves out packages whose dropping was itself interrupted
        if not (
            pipeline.list_extracted_load_packages() or pipeline.list_normalized_load_packages()
        ):
            return False
        pipeline.abort_packages()
        return True

    def _delete_unfinished(self) -> None:
        # dlt looks at none of it again, so each kill in an extraction would leave a batch's rows
        for folder in (Path(self.pipeline.working_dir) / "normalize").glob("*/"):
            if folder.name != NormalizeStorage.EXTRACTED_FOLDER:
                shutil.rmtree(folder)

    def load(self, source: Any) -> None:
        """Runs the pipeline on `source`, as one transaction.

        Raises `LoadFailed`: the warehouse has nothing of it then, and what DuckDB said is among
        the error's causes.
        """
        self.drop_pending()  # a failed load's package, which dlt would load before this one
        try:
            self.pipeline.run(source, loader_file_format="parquet")
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


def _what_happened(error: BaseException) -> str:
    """A line: dlt puts whole stack traces before it, and DuckDB advice behind a lack of memory."""
    line = lack_of_memory(error) or str(error).rstrip(" .\n").rsplit("\n", 1)[-1]
    return line.rstrip(" .") + "."
