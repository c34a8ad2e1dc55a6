"""What commands import, for the server whose forks they are: see tests/forked.py."""

import os
from importlib import import_module

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy would start a thread, which no fork has
for name in (
    "dlt._workspace",  # dlt itself imports what follows only when it loads
    "dlt.common.configuration.plugins",
    "dlt.destinations.impl.duckdb.duck",
    "dlt.sources.helpers",
    "fluents_connector.logs",
    "fluents_pipelines.load",
    "fluents_pipelines.readers.query",
    "fluents_pipelines.replay",
    "fluents_pipelines.warehouse.duckdb_file.warehouse",
    "fluents_warehouse.__main__",
    "fluents_warehouse.cli",
    "requests",
    "rich.progress",
    "sqlglot.dialects.duckdb",
    "tests.forked",
):
    import_module(name)
