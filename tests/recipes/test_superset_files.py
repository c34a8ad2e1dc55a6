"""docs/superset: what Superset is to import fits together, and fits the warehouse.

Superset itself is too large for the tests; docs/tools.md says when it was run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import Engine, NullPool, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from tests.docs.pages import ROOT

FOLDER = ROOT / "docs" / "superset"


def files(pattern: str) -> list[dict[str, Any]]:
    found = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(FOLDER.glob(pattern))]
    assert found, pattern
    return found


((DATABASE,), DATASETS, CHARTS, (DASHBOARD,)) = (
    files(f"{folder}/*.yaml")
    for folder in ("databases", "datasets/fluents_warehouse", "charts", "dashboards")
)
BY_UUID = {one["uuid"]: one for one in (*DATASETS, *CHARTS)}


@pytest.fixture(scope="module")
def engine(made: Path) -> Iterator[Engine]:
    """The connection of the file, without a pool, as Superset opens it."""
    url = DATABASE["sqlalchemy_uri"].replace("/var/lib/fluents-warehouse", str(made))
    engine = create_engine(url, poolclass=NullPool, **DATABASE["extra"]["engine_params"])
    yield engine
    engine.dispose()


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset["table_name"])
def test_a_dataset_is_a_model_with_these_columns_and_metrics_that_run(
    dataset: dict[str, Any], engine: Engine
) -> None:
    assert dataset["database_uuid"] == DATABASE["uuid"]
    model = {"table_name": dataset["table_name"], "schema": dataset["schema"]}
    types = {one["name"]: str(one["type"]) for one in inspect(engine).get_columns(**model)}
    for column in dataset["columns"]:
        assert types[column["column_name"]] == column["type"]
    assert dataset["main_dttm_col"] in {None, *types}
    metrics = [f"{one['expression']} as {one['metric_name']}" for one in dataset["metrics"]]
    sql = f"select {', '.join(metrics)} from {dataset['schema']}.{dataset['table_name']}"
    with engine.connect() as connection:
        (row,) = connection.execute(text(sql)).mappings().all()
    assert all(value is not None for value in row.values()), row
    for one in dataset["metrics"]:
        if one.get("d3format", "").endswith("%"):
            assert 0 <= row[one["metric_name"]] <= 1


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart["slice_name"])
def test_a_chart_asks_for_columns_and_metrics_of_its_dataset(chart: dict[str, Any]) -> None:
    dataset, params = BY_UUID[chart["dataset_uuid"]], chart["params"]
    columns = {one["column_name"] for one in dataset["columns"]}
    metrics = {one["metric_name"] for one in dataset["metrics"]}
    groups = params["groupby"] if isinstance(params["groupby"], list) else [params["groupby"]]
    asked = [*groups, *(one["subject"] for one in params["adhoc_filters"])]
    assert {*asked, params.get("x_axis", asked[0])} <= columns
    measured = params.get("metrics") or [params["metric"]]
    assert {*measured, params.get("timeseries_limit_metric", measured[0])} <= metrics
    assert params["viz_type"] == chart["viz_type"]


def test_the_dashboard_has_each_chart_once_and_filters_by_columns_that_are_there() -> None:
    shown = [
        one["meta"]["uuid"]
        for name, one in DASHBOARD["position"].items()
        if name.startswith("CHART-")
    ]
    assert sorted(shown) == sorted(chart["uuid"] for chart in CHARTS)
    for one in DASHBOARD["metadata"]["native_filter_configuration"]:
        for target in filter(None, one["targets"]):
            columns = BY_UUID[target["datasetUuid"]]["columns"]
            assert target["column"]["name"] in {column["column_name"] for column in columns}


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("delete from fluents.calls", "read-only mode"),
        ("select * from read_text('/etc/hostname')", "disabled by configuration"),
        ("set enable_external_access = true", "locked"),
    ],
    ids=["write", "read another file", "unlock"],
)
def test_its_connection_reads_the_warehouse_and_nothing_else(
    sql: str, why: str, engine: Engine
) -> None:
    with engine.connect() as connection, pytest.raises(DBAPIError, match=why):
        connection.execute(text(sql))
