"""A batch, its records and its models are one commit: a kill leaves all of it or nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing
from itertools import islice
from pathlib import Path

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import Settings
from fluents_connector.simulator import simulate
from fluents_pipelines.load import Loader
from fluents_pipelines.models import built_in
from fluents_pipelines.warehouse.duckdb_file.files import FILE
from tests.attacks.faults.launcher import STEPS, TABLES
from tests.deliveries import Clock, append_all
from tests.loads import copy_of, settings_in
from tests.pipelines.warehouse.wholeness import Rows, as_left, halves, rows_of
from tests.processes import environment, write_settings

BODIES = [one.body for one in islice(simulate(seed=17), 600)]
COMMITTED = list(STEPS).index("after the commit")


@pytest.fixture(scope="module")
def half_loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with calls in progress, whose rest waits in the buffer."""
    folder = tmp_path_factory.mktemp("half")
    settings, clock = settings_in(folder), Clock()
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        append_all(buffer, BODIES[:300], clock)
        with Loader(settings) as loader:
            loader.load()
        append_all(buffer, BODIES[300:], clock)
    return folder


@pytest.fixture(scope="module")
def whole(half_loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """What the tables hold where nothing was killed."""
    folder = tmp_path_factory.mktemp("whole")
    copy_of(half_loaded, folder)
    with Loader(settings_in(folder)) as loader:
        loader.load()
    return rows_of(folder / "data" / FILE)


@pytest.fixture
def folder(half_loaded: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "set-up"
    copy_of(half_loaded, folder)
    return folder


def killed(folder: Path, step: str, nth: int = 1, **changed: object) -> Path:
    """The loader's file as a load leaves it that is killed the `nth` time that it is at `step`."""
    same = settings_in(folder).model_dump(include={"buffer_keep_days", "quarantine_keep_days"})
    write_settings(
        folder, data_dir="data", warehouse_path="published.duckdb", **{**same, **changed}
    )
    process = subprocess.run(
        [
            *(sys.executable, "-m", "tests.attacks.faults.launcher", "--kill", step, str(nth)),
            *("--", "load", "--config", str(folder / "fluents.toml")),
        ],
        cwd=Path(__file__).parents[3],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
    return as_left(folder / "data" / FILE, folder / "left")


def load_the_rest(folder: Path) -> Settings:
    settings = settings_in(folder)
    with Loader(settings) as loader:
        loader.load()
    return settings


# tests/attacks/faults/test_faults.py kills it at every other step, too
@pytest.mark.attack
@pytest.mark.parametrize(
    "step",
    ["while a table is added", "within the models", "within the commit", "after the commit"],
)
def test_a_load_killed_within_its_transaction_leaves_all_of_its_batch_or_nothing(
    step: str, folder: Path, whole: Rows
) -> None:
    before = rows_of(folder / "data" / FILE)
    left = killed(folder, step, 3 if step in TABLES else 1)
    assert halves(left) == []
    found = rows_of(left)
    if step == "within the commit":
        assert found in (before, whole)
    else:
        assert found == (whole if list(STEPS).index(step) >= COMMITTED else before)
    settings = load_the_rest(folder)
    assert rows_of(settings.data_dir / FILE) == rows_of(settings.warehouse_path) == whole


@pytest.mark.attack
@pytest.mark.parametrize(("step", "batches"), [("within the models", 3), ("after the commit", 4)])
def test_a_backlog_killed_in_its_fourth_batch_leaves_whole_batches(
    step: str, batches: int, folder: Path, whole: Rows
) -> None:
    tables = sum(model.is_table for model in built_in.models())
    nth = 3 * tables + 2 if step == "within the models" else 4
    left = killed(folder, step, nth, batch_rows=60)
    assert halves(left) == []
    with duckdb.connect(str(left), read_only=True) as connection:
        positions = "select up_to_position from fluents.loads order by all"
        assert connection.execute(positions).fetchall() == [
            (300 + 60 * number,) for number in range(batches + 1)
        ]
    settings = load_the_rest(folder)
    assert rows_of(settings.warehouse_path) == whole


@pytest.mark.attack
@pytest.mark.parametrize("step", ["within the models", "within the commit"])
def test_the_first_load_of_all_killed_leaves_no_record_of_dlt_without_its_rows(
    step: str, tmp_path: Path
) -> None:
    settings = settings_in(tmp_path)
    with closing(SqliteBuffer(settings.buffer_file)) as buffer:
        append_all(buffer, BODIES[:100], Clock())
    assert halves(killed(tmp_path, step)) == []
    load_the_rest(tmp_path)
    assert halves(settings.data_dir / FILE) == []


def test_a_load_is_one_commit_which_writes_no_log(folder: Path) -> None:
    settings = settings_in(folder)
    log = settings.data_dir / f"{FILE}.wal"
    with Loader(settings) as loader:
        connection = loader._warehouse.connection
        with closing(SqliteBuffer(settings.buffer_file)) as buffer:
            append_all(buffer, BODIES[:1], Clock(1_900_000_000_000_000))
        loader.load()
        connection.execute("call enable_logging('QueryLog')")
        with closing(SqliteBuffer(settings.buffer_file)) as buffer:
            append_all(buffer, BODIES[1:80], Clock(1_900_000_000_000_000))
        assert loader.load().published
        said = connection.execute("select message from duckdb_logs").fetchall()
        assert not log.exists()
    statements = [message.strip().lower() for (message,) in said]
    begin, commit = (statements.index(word) for word in ("begin transaction", "commit"))
    changing = ("insert", "update", "delete", "merge", "create", "alter", "drop", "comment")
    outside = [
        statement
        for statement in statements[:begin] + statements[commit + 1 :]
        if statement.startswith(changing)
        and "temp" not in statement.split("as", 1)[0]
        and statement != "drop view asked_for"  # DuckDB 1.5, of what Python had registered
    ]
    assert outside == []
    assert statements.count("commit") == 1
