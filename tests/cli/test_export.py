"""`export`: every table and model as a file that other tools read, whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet
import pytest
from filelock import FileLock

from fluents_connector.settings import load_settings
from fluents_pipelines.models.built_in import models
from fluents_pipelines.readers.export import MARK, export
from fluents_pipelines.tables import ALL_TABLES
from fluents_pipelines.warehouse import open_published
from tests import warehouses
from tests.attacks.disk import FULL, FaultyDisk
from tests.processes import environment, write_settings

Command = Callable[..., subprocess.CompletedProcess[str]]
NAMES = {
    *(f"fluents/{table.name}" for table in ALL_TABLES),
    "fluents/_dlt_loads",
    *(f"analytics/{model.name}" for model in models()),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return warehouses.simulated(tmp_path_factory.mktemp("made"), 400)


@pytest.fixture
def warehouse(made: Path, tmp_path: Path) -> Path:
    write_settings(tmp_path, warehouse_path=str(made))
    return made


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_each_table_and_model_is_a_parquet_file_with_its_rows(
    command: Command, warehouse: Path, tmp_path: Path
) -> None:
    result = command("export", "out")
    assert (result.returncode, result.stderr) == (0, "")
    out = tmp_path / "out"
    assert files(out) == {f"{name}.parquet" for name in NAMES} | {MARK, f"{MARK}.lock"}
    total = 0
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for name in NAMES:
            ((rows,),) = connection.execute(
                f"select count(*) from {name.replace('/', '.')}"
            ).fetchall()
            path = out / f"{name}.parquet"
            assert pyarrow.parquet.read_metadata(path).num_rows == rows
            assert polars.read_parquet(path).height == rows
            total += rows
    assert result.stdout.startswith(f"Wrote {len(NAMES)} files, {total:,} rows, to out in ")


def test_times_are_utc_and_json_is_text(command: Command, warehouse: Path, tmp_path: Path) -> None:
    assert command("export", "out").returncode == 0
    path = tmp_path / "out" / "fluents" / "events.parquet"
    schema = pyarrow.parquet.read_schema(path)
    assert schema.field("received_at").type == pa.timestamp("us", tz="UTC")
    assert schema.field("payload").type == pa.string()
    types = polars.read_parquet_schema(path)
    assert types["received_at"] == polars.Datetime("us", "UTC")
    assert types["payload"] == polars.String
    query = "select max(received_at), count(payload), max(payload::varchar) from {}"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        expected = connection.execute(query.format("fluents.events")).fetchall()
        assert connection.execute(query.format(f"'{path}'")).fetchall() == expected
    assert expected[0][0].astimezone(UTC) > datetime(2026, 1, 1, tzinfo=UTC)


def test_csv_has_a_header_and_times_in_utc(
    command: Command, warehouse: Path, tmp_path: Path
) -> None:
    assert command("export", "out", "--format", "csv").returncode == 0
    assert files(tmp_path / "out") == {f"{name}.csv" for name in NAMES} | {MARK, f"{MARK}.lock"}
    frame = polars.read_csv(tmp_path / "out" / "fluents" / "events.csv")
    assert frame.height == 400
    assert frame["received_at"].str.ends_with("+00").all()


def test_a_csv_for_spreadsheets_holds_no_formula_and_the_same_rows(
    command: Command, made: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "copied.duckdb"
    copied.write_bytes(made.read_bytes())
    with duckdb.connect(str(copied)) as connection:
        connection.execute(
            "create view analytics.aaa as select '=1+1' as \"@a\", '+4915112345' as phone, -5 as n,"
            " sum(n) as total from (values (9007199254740993)) as t(n)"
        )
    write_settings(tmp_path, warehouse_path=str(copied))
    assert command("export", "plain", "--format", "csv").returncode == 0
    assert command("export", "safe", "--format", "csv", "--defuse-formulas").returncode == 0
    plain, safe = (tmp_path / name / "analytics" / "aaa.csv" for name in ("plain", "safe"))
    rest = "phone,n,total\n{},+4915112345,-5,9007199254740993\n"
    assert plain.read_text() == "@a," + rest.format("=1+1")
    assert safe.read_text() == "'@a," + rest.format("'=1+1")
    for name in ("fluents/calls", "fluents/transcript_turns", "analytics/call_summary"):
        frames = [polars.read_csv(tmp_path / to / f"{name}.csv") for to in ("plain", "safe")]
        assert frames[0].height == frames[1].height > 0
        assert frames[0].columns == frames[1].columns
    assert command("export", "out").returncode == 0
    table = pyarrow.parquet.read_table(tmp_path / "out" / "analytics" / "aaa.parquet")
    assert table["total"].to_pylist() == [9007199254740993]
    wrong = command("export", "out", "--defuse-formulas")
    assert (wrong.returncode, "--format csv" in wrong.stderr) == (2, True)


def test_a_query_appends_where_the_shell_does(
    command: Command, warehouse: Path, tmp_path: Path
) -> None:
    script = f"{sys.executable} -m fluents_warehouse query 'select 1 as n' --format csv >> all.csv"
    for _ in range(2):
        subprocess.run(["/bin/sh", "-c", script], cwd=tmp_path, env=environment(), check=True)
    assert (tmp_path / "all.csv").read_text() == "n\n1\n" * 2


def test_a_later_export_replaces_and_deletes_only_what_an_earlier_one_wrote(
    command: Command, warehouse: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "fluents").mkdir(parents=True)
    (out / "fluents" / "mine.parquet").write_text("mine")
    assert command("export", "out").returncode == 0
    (out / "fluents" / "calls.parquet").write_text("old")
    (out / "fluents" / "dropped.parquet").write_text("of a model that is no more")
    with (out / MARK).open("a") as mark:
        mark.write("fluents/dropped.parquet\n")
    assert command("export", "out").returncode == 0
    assert pyarrow.parquet.read_metadata(out / "fluents" / "calls.parquet").num_rows > 0
    assert (out / "fluents" / "mine.parquet").read_text() == "mine"
    assert not (out / "fluents" / "dropped.parquet").exists()
    assert "dropped" not in (out / MARK).read_text()


def test_a_file_that_no_export_wrote_is_kept_and_named(
    command: Command, warehouse: Path, tmp_path: Path
) -> None:
    path = tmp_path / "out" / "fluents" / "calls.parquet"
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    result = command("export", "out")
    assert result.returncode == 1
    assert "out/fluents/calls.parquet is there, and no export wrote it" in result.stderr
    assert path.read_text() == "mine"
    assert files(tmp_path / "out") == {"fluents/calls.parquet", f"{MARK}.lock"}


def test_an_export_that_was_ended_midway_is_done_again(
    command: Command, warehouse: Path, tmp_path: Path
) -> None:
    with open_published(load_settings(tmp_path / "fluents.toml")) as connection:
        begun = export(connection, tmp_path / "out", "parquet")
        next(begun)
        begun.close()
    assert len(files(tmp_path / "out")) == 3
    assert command("export", "out").returncode == 0
    assert len(files(tmp_path / "out")) == len(NAMES) + 2


def test_on_a_full_disk_the_files_of_before_stay_whole(
    command: Command, disk: FaultyDisk, warehouse: Path, tmp_path: Path
) -> None:
    assert command("export", "out").returncode == 0
    before = files(tmp_path / "out")
    with disk.fails(FULL, on="calls.parquet.partial"):
        result = command("export", "out", env=disk.env)
    assert result.returncode == 1
    assert "No space left" in result.stderr
    assert "Traceback" not in result.stderr
    assert files(tmp_path / "out") == before
    assert pyarrow.parquet.read_table(tmp_path / "out" / "fluents" / "calls.parquet").num_rows > 0


def test_a_model_that_cannot_be_read_is_named_and_keeps_no_other_out(
    command: Command, made: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "copied.duckdb"
    copied.write_bytes(made.read_bytes())
    crm = tmp_path / "crm.csv"
    crm.write_text("name\nAda\n")
    with duckdb.connect(str(copied)) as connection:
        connection.execute(f"create view analytics.aaa as from read_csv('{crm}')")
    crm.unlink()
    write_settings(tmp_path, warehouse_path=str(copied))
    result = command("export", "out")
    assert result.returncode == 1
    assert "analytics.aaa" in result.stderr
    assert "crm.csv" in result.stderr
    out = tmp_path / "out"
    assert files(out) == {f"{name}.parquet" for name in NAMES} | {MARK, f"{MARK}.lock"}


def test_two_exports_at_once_do_not_mix(command: Command, warehouse: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / f"{MARK}.lock"):
        result = command("export", "out")
    assert result.returncode == 1
    assert "Another export is writing to out" in result.stderr


def test_before_any_load_it_says_to_load(command: Command, tmp_path: Path) -> None:
    write_settings(tmp_path)
    result = command("export", "out")
    assert result.returncode == 1
    assert "fluents-warehouse load" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_named(
    command: Command, warehouse: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for folder, status in (("file", 2), ("file/out", 1)):
        result = command("export", folder)
        assert result.returncode == status
        assert f"'{folder}'" in result.stderr
        assert "Traceback" not in result.stderr
