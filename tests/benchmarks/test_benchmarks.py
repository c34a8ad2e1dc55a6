"""Each benchmark runs, in a small size, and records what it is there to compare."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from fluents_pipelines.models.built_in import run_checks
from tests import needs
from tests.benchmarks.history import make
from tests.benchmarks.measure import percentile, table
from tests.processes import environment

pytestmark = pytest.mark.attack

ROOT = Path(__file__).parents[2]


def benchmark(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.benchmarks", *arguments),
            *(() if arguments[0] == "year" else ("--repeats", "1")),
            *("--folder", str(folder), "--json"),
        ],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert list(folder.iterdir()) == []  # it leaves nothing behind
    return done


def record(folder: Path, *arguments: str) -> dict[str, Any]:
    done = benchmark(folder, *arguments)
    assert done.returncode == 0, done.stderr
    recorded: dict[str, Any] = json.loads(done.stdout)
    assert {"cores", "memory_gib"} <= recorded["machine"].keys()
    assert {"python", "dlt", "duckdb"} <= recorded["versions"].keys()
    return recorded


def values(recorded: dict[str, Any], key: str) -> list[Any]:
    return [row[key] for row in recorded["rows"]]


def test_load_compares_with_plain_dlt_and_bare_duckdb(tmp_path: Path) -> None:
    recorded = record(tmp_path, "load", "--events", "400", "--plain-events", "100")
    assert values(recorded, "what") == ["ours", "ours, published", "plain dlt", "bare DuckDB"]
    assert values(recorded, "events") == [400, 400, 100, 400]
    assert all(ratio > 0 for ratio in values(recorded, "ours_is_times_as_fast"))


NEEDS_WRK = [
    pytest.param(
        ("receive", "--connections", "2", "--seconds", "1"),
        ["ours", "one commit a request", "stores nothing", "empty view"],
        id="receive",
    ),
    pytest.param(
        ("memory", "--events", "300", "--seconds", "1"),
        ["load of the backlog", "receiver under load"],
        id="memory",
    ),
]


@pytest.mark.parametrize(("arguments", "rows"), NEEDS_WRK)
def test_wrk_drives_the_receiver_or_is_asked_for(
    tmp_path: Path, arguments: tuple[str, ...], rows: list[str]
) -> None:
    if shutil.which("wrk"):
        assert values(record(tmp_path, *arguments), "what") == rows
    else:
        done = benchmark(tmp_path, *arguments)
        assert done.returncode == 1
        assert "wrk is not installed" in done.stderr


def test_freshness_has_a_row_a_rate_and_every_event_is_seen(tmp_path: Path) -> None:
    recorded = record(tmp_path, "freshness", "--rates", "20", "--seconds", "1")
    assert values(recorded, "events") == [20]
    for row in recorded["rows"]:
        assert 0 < row["p50_seconds"] <= row["p95_seconds"] <= row["most_seconds"]


def test_freshness_with_a_history_goes_on_with_its_warehouse(tmp_path: Path) -> None:
    recorded = record(
        tmp_path, "freshness", "--rates", "10,20", "--seconds", "1", "--history", "400"
    )
    assert values(recorded, "events") == [10, 20]


def test_growth_counts_load_publish_and_models_apart(tmp_path: Path) -> None:
    recorded = record(
        tmp_path,
        *("growth", "--histories", "0,900", "--events", "5,20", "--loaded", "300"),
    )
    sizes = list(zip(values(recorded, "history"), values(recorded, "new_events"), strict=True))
    assert sizes == [(0, 5), (900, 5), (0, 20), (900, 20)]
    assert all(seconds > 0 for seconds in values(recorded, "publish_seconds"))


def test_query_asks_every_model(tmp_path: Path) -> None:
    recorded = record(tmp_path, "query", "--calls", "60", "--loaded", "300")
    models = {path.stem for path in (ROOT / "sql" / "models").glob("*.sql")}
    assert {what.partition(":")[0] for what in values(recorded, "what")} == models
    assert all(rows > 0 for rows in values(recorded, "rows"))


def test_search_finds_what_was_put_there(tmp_path: Path) -> None:
    recorded = record(tmp_path, "search", "--calls", "60", "--loaded", "300")
    by_name = {row["what"]: row["found"] for row in recorded["rows"]}
    assert by_name["a word in 12 calls"] == by_name["a word in 12 calls, cold"] == 12
    assert by_name["a word that is nowhere"] == 0
    assert all(seconds > 0 for seconds in values(recorded, "first_seconds"))


def test_dashboard_opens_in_a_browser_or_asks_for_one(tmp_path: Path) -> None:
    arguments = ("dashboard", "--events", "2000", "--loaded", "300")
    if not needs.find_browser():
        assert "Chromium is missing" in benchmark(tmp_path, *arguments).stderr
        needs.browser()
    recorded = record(tmp_path, *arguments)
    assert values(recorded, "events") == [1000] * 5 + [2000] * 5
    assert all(row.get("seconds", row.get("mebibytes", 0)) > 0 for row in recorded["rows"])


def test_year_counts_each_tenth_of_its_loads_and_every_event(tmp_path: Path) -> None:
    recorded = record(tmp_path, "year", "--calls", "60", "--loaded", "300", "--loads", "20")
    assert values(recorded, "loads") == [2] * 10
    assert sum(values(recorded, "visits")) > 2
    assert all(0 < row["p50_seconds"] <= row["p95_seconds"] for row in recorded["rows"])
    assert all(row["file_mib"] < row["kept_mib"] for row in recorded["rows"])


def test_startup_times_the_receiver_and_a_warm_load(tmp_path: Path) -> None:
    recorded = record(tmp_path, "startup", "--loads", "2")
    assert {"serve until /readyz", "warm load of one event"} <= set(values(recorded, "what"))
    assert all(seconds > 0 for seconds in values(recorded, "seconds"))


def test_a_history_is_of_other_calls_and_earlier_events_that_agree(tmp_path: Path) -> None:
    make(tmp_path, 1_000, loaded=400)
    with duckdb.connect(str(tmp_path / ".fluents" / "warehouse.duckdb")) as warehouse:
        warehouse.execute("set timezone = 'UTC'")
        assert warehouse.execute(
            "select count(*), count(distinct event_id), count(distinct buffer_id)"
            " from fluents.events"
        ).fetchone() == (1_200, 1_200, 3)
        # an id's first 12 digits are the milliseconds of its event
        assert warehouse.execute(
            "select count(*) from fluents.events where epoch_ms(received_at)"
            " <> ('0x' || left(event_id, 8) || substr(event_id, 10, 4))::bigint"
        ).fetchone() == (0,)
        assert not [result for result in run_checks(warehouse) if result.offending_rows]


@pytest.mark.parametrize(("percent", "value"), [(50, 2), (95, 4), (99, 4)])
def test_a_percentile_is_a_value_that_was_measured(percent: int, value: float) -> None:
    assert percentile([4, 1, 3, 2], percent) == value


def test_the_table_has_a_line_a_row_below_its_keys() -> None:
    assert table([{"what": "ours", "per_second": 1234.5}, {"what": "theirs"}]) == (
        "what    per second\nours         1,234\ntheirs"
    )
