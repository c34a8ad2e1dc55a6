"""The ways to schedule loads of docs/deployment.md: cron, systemd, Dagster."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import load_settings
from fluents_pipelines.load import Loader
from tests import needs
from tests.deliveries import Clock, append_all, body
from tests.docs.pages import fenced, named, section
from tests.recipes.running import PROGRAMS, run_python

pytestmark = pytest.mark.attack

SCHEDULING = section("docs/deployment.md", "Scheduling")
(CRON,) = fenced(SCHEDULING, "cron")
UNITS = named(SCHEDULING, "ini", "run.service", "load.service", "load.timer")
(DAGSTER,) = fenced(SCHEDULING, "python")


def here(text: str, folder: Path) -> str:
    """With the programs and the folder of this test in place of the page's."""
    text = text.replace("/opt/fluents-warehouse/bin", str(PROGRAMS))
    return text.replace("/var/lib/fluents-warehouse", str(folder))


def value(unit: str, key: str) -> str:
    (found,) = re.findall(rf"^{key}=(.*)$", UNITS[unit], re.MULTILINE)
    return str(found)


def cron_command() -> str:
    minute, hour, day, month, weekday, command = CRON.strip().split(" ", 5)
    assert [minute, hour, day, month, weekday] == ["*"] * 5
    return command


def service_command() -> str:
    return f"cd {value('load.service', 'WorkingDirectory')} && {value('load.service', 'ExecStart')}"


def scheduled(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs it as cron and systemd do: a bare environment, no terminal, a home of no use."""
    return subprocess.run(
        ["/usr/bin/env", "-i", "PATH=/usr/bin:/bin", "HOME=/proc/none", "/bin/sh", "-c", command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("by", [cron_command, service_command], ids=["cron", "systemd"])
def test_a_scheduled_load_loads_and_then_has_nothing_to_do(by: object, folder: Path) -> None:
    assert callable(by)
    buffer = SqliteBuffer(load_settings(folder / "fluents.toml").buffer_file)
    append_all(buffer, [body("event_error", "scheduled")], Clock())
    buffer.close()
    for _ in range(2):
        ended = scheduled(here(by(), folder), folder)
        assert (ended.returncode, ended.stderr) == (0, "")
    with duckdb.connect(str(folder / "fluents_warehouse.duckdb"), read_only=True) as connection:
        sql = "select count(*) from fluents.errors where message = 'scheduled'"
        assert connection.execute(sql).fetchall() == [(1,)]


def test_cron_mails_only_what_failed(folder: Path) -> None:
    assert scheduled(here(cron_command(), folder), folder).stdout == ""
    shutil.rmtree(folder / ".fluents")
    (folder / ".fluents").write_text("not a folder")
    ended = scheduled(here(cron_command(), folder), folder)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1


def test_a_load_beside_another_is_no_failure_for_systemd(folder: Path) -> None:
    with Loader(load_settings(folder / "fluents.toml")):
        buffer = SqliteBuffer(load_settings(folder / "fluents.toml").buffer_file)
        append_all(buffer, [body("event_error", "later")], Clock())
        buffer.close()
        ended = scheduled(here(service_command(), folder), folder)
    assert ended.returncode == int(value("load.service", "SuccessExitStatus"))


def test_systemd_finds_nothing_wrong_with_the_units(folder: Path, tmp_path: Path) -> None:
    files = []
    for unit in UNITS.values():
        first, _ = unit.split("\n", 1)
        file = tmp_path / Path(first.removeprefix("# ")).name
        file.write_text(here(unit, folder))
        files.append(str(file))
    assert sorted(Path(file).name for file in files) == [
        "fluents-warehouse-load.service",
        "fluents-warehouse-load.timer",
        "fluents-warehouse.service",
    ]
    verified = subprocess.run(
        [needs.program("systemd-analyze"), "verify", "--man=no", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    about_ours = [line for line in verified.stderr.splitlines() if "fluents" in line]
    assert (verified.returncode, about_ours) == (0, []), verified.stderr


def test_the_timer_names_a_time_that_systemd_knows() -> None:
    subprocess.run(
        [needs.program("systemd-analyze"), "calendar", value("load.timer", "OnCalendar")],
        capture_output=True,
        check=True,
    )


def test_dagster_loads_the_warehouse_and_a_pipeline_of_ones_own(folder: Path) -> None:
    (folder / "fluents_warehouse.duckdb").unlink()
    materialize = """
ended = definitions.resolve_implicit_global_asset_job_def().execute_in_process()
print(ended.success, minutely.cron_schedule)
"""
    several_batches = DAGSTER.replace("max_rows=25_000", "max_rows=100")
    assert run_python(folder, several_batches + materialize).endswith("True * * * * *\n")
    for file in ("fluents_warehouse.duckdb", "mine.duckdb"):
        with duckdb.connect(str(folder / file), read_only=True) as connection:
            sql = "select count(*), count(distinct event_id) from fluents.events"
            assert connection.execute(sql).fetchall() == [(300, 300)]
