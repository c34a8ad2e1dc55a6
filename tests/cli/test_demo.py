"""The demo shows a month of calls by the whole path, keeps to its folder, and goes on if asked."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import psutil
import pytest

from fluents_connector.receiver.told_time import TIME_HEADER
from fluents_connector.settings import load_settings
from fluents_warehouse.commands.status import collect
from tests.docs.pages import page
from tests.processes import START_SECONDS, environment, run_command

Command = Callable[..., subprocess.CompletedProcess[str]]
EVENTS = 600
CONFIG = ["--config", "fluents-demo/fluents.toml"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, float]:
    """Where a demo ran, what it printed, and when it began."""
    folder = tmp_path_factory.mktemp("ran")
    begin = time.time()
    result = run_command(folder, "demo", "--events", str(EVENTS), timeout=180)
    assert result.returncode == 0, result.stderr
    return folder, result.stdout, begin


def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    path = folder / "fluents-demo" / "fluents_warehouse.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_it_shows_the_whole_path_and_what_it_prints_can_be_run(
    ran: tuple[Path, str, float],
) -> None:
    folder, printed, _ = ran
    assert f"Posted {EVENTS} events of 30 days" in printed
    assert f"Loaded {EVENTS} deliveries" in printed
    commands = re.findall(r"^  fluents-warehouse (.*)$", printed, re.MULTILINE)
    assert len(commands) == 6
    *queries, dashboard, notebook = [shlex.split(arguments) for arguments in commands]
    for arguments in queries:
        assert run_command(folder, *arguments).returncode == 0
    assert (dashboard, notebook) == (["dashboard", *CONFIG], ["notebook", *CONFIG])
    assert run_command(folder, *notebook, "--no-open").returncode == 0
    assert (folder / "fluents-demo" / "first_questions.ipynb").exists()


def test_the_readme_shows_what_it_prints(ran: tuple[Path, str, float]) -> None:
    def shape(line: str) -> str:
        """A line without its figures, and without the frame that a table has on a terminal."""
        words = re.sub(r"[│\s]+", " ", line).strip()
        return re.sub(r"\d[\d,.:]*", "#", words)

    (block,) = re.findall(r"```\n(A receiver is .*?)```", page("README.md"), re.DOTALL)
    told, shown = block.split("…")
    printed = ran[1].splitlines()
    for line in told.splitlines():
        beginning = shape(line).partition(": #")[0]
        assert any(shape(other).startswith(beginning) for other in printed), line
    (title, _, names, types, _, *agents) = [line for line in shown.splitlines() if line]
    position = printed.index(title)
    assert shape(printed[position + 1]) == shape(names)
    assert {line.split()[0] for line in printed[position + 2 : position + 5]} == {
        line.split()[1] for line in agents[:-1]
    }
    assert len(types.split("│")) == len(names.split("│"))


def test_its_month_ends_when_it_is_run_and_nothing_of_it_is_to_come(
    ran: tuple[Path, str, float],
) -> None:
    folder, _, begin = ran
    ((first, last),) = rows(
        folder, "select epoch(min(received_at)), epoch(max(received_at)) from fluents.events"
    )
    assert begin - 30 * 86_400 <= first < begin - 20 * 86_400
    assert begin - 4 * 86_400 < last < begin + START_SECONDS
    ((to_come,),) = rows(
        folder,
        "select count(*) from fluents.messages as m join fluents.events as e using (event_id)"
        " where m.sent_at > e.received_at",
    )
    assert to_come == 0


def test_all_that_was_received_is_accounted_for_and_nothing_was_discarded_unloaded(
    ran: tuple[Path, str, float],
) -> None:
    folder, _, _ = ran
    state = collect(load_settings(folder / "fluents-demo" / "fluents.toml"))
    parts = ("loaded", "duplicates", "quarantined", "pending")
    assert state["received"] == EVENTS == sum(state[part] for part in parts)
    assert state["pending"] == 0
    assert state["duplicates"] > 0
    ((events,),) = rows(folder, "select count(*) from fluents.events")
    ((refused,),) = rows(folder, "select count(*) from fluents.quarantine")
    assert (events + refused, refused) == (EVENTS, state["quarantined"])
    # ids sort as the told times do
    ids = rows(folder, "select event_id from fluents.events order by received_at, event_id")
    assert ids == sorted(ids)


def test_its_agents_have_names_and_prices(ran: tuple[Path, str, float]) -> None:
    folder, printed, _ = ran
    agents = rows(
        folder, "select agent, sum(cost) > 0 from analytics.call_summary group by all order by 1"
    )
    assert agents == [("Deliveries", True), ("Sales", True), ("Support", True)]
    assert all(str(agent) in printed for agent, _ in agents)
    ((columns,),) = rows(
        folder, "select count(*) from analytics.post_call_wide where sold is not null"
    )
    assert columns > 0


@pytest.mark.attack
def test_a_load_within_the_retention_of_an_ordinary_receiver_loses_nothing(
    ran: tuple[Path, str, float], tmp_path: Path
) -> None:
    """Of told times, most are older than `buffer_keep_days`: what is loaded may go, alone."""
    (tmp_path / ".fluents").mkdir()
    for path in (ran[0] / "fluents-demo" / ".fluents").glob("buffer.sqlite*"):  # and its log
        shutil.copy(path, tmp_path / ".fluents")
    text = (ran[0] / "fluents-demo" / "fluents.toml").read_text()
    (tmp_path / "fluents.toml").write_text(text.replace("buffer_keep_days = 60", ""))
    for _ in range(2):  # the second discards what the first has loaded
        result = run_command(tmp_path, "load")
        assert result.returncode == 0, result.stderr
    count = run_command(tmp_path, "query", "select count(*) as n from fluents.events")
    ((events,),) = rows(ran[0], "select count(*) from fluents.events")
    assert count.stdout.split() == ["n", str(events)]


@pytest.mark.attack
def test_it_keeps_nothing_where_that_is_asked_for(command: Command, tmp_path: Path) -> None:
    result = command("demo", "--events", "50", "--no-keep")
    assert result.returncode == 0, result.stderr
    assert "Try next" not in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_it_deletes_nothing_that_it_did_not_make(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "fluents-demo"
    folder.mkdir()
    (folder / "precious").write_text("mine")
    result = command("demo", "--events", "10")
    assert result.returncode == 1
    assert "not empty" in result.stderr
    assert [path.name for path in folder.iterdir()] == ["precious"]


def test_a_length_is_for_what_goes_on(command: Command) -> None:
    result = command("demo", "--seconds", "5")
    assert (result.returncode, "--live" in result.stderr) == (2, True)


def test_no_folder_but_a_demos_gets_a_receiver_that_is_told_the_time(
    command: Command, tmp_path: Path
) -> None:
    command("init")
    module = "fluents_warehouse.demonstration.receiver"
    started = subprocess.run(
        [sys.executable, "-m", module, str(tmp_path), str(os.getpid())],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert started.returncode == 1
    assert "not the folder of a demo" in started.stderr
    assert TIME_HEADER not in command("serve", "--help").stdout
    assert not (tmp_path / ".fluents").exists()


@contextmanager
def going_on(folder: Path, *options: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    log = folder / "demo.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "fluents_warehouse", "demo", "--events", "60", *options],
            cwd=folder,
            env=environment(**variables),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.mark.attack
def test_live_goes_on_beside_readers_until_ctrl_c_and_all_that_was_sent_is_loaded(
    tmp_path: Path,
) -> None:
    # a real deployment's settings are not the demo's
    elsewhere = {"FLUENTS_DATA_DIR": str(tmp_path / "real"), "FLUENTS_BUFFER_KEEP_DAYS": "1"}
    begin = time.time()
    with going_on(tmp_path, "--live", **elsewhere) as process:
        log = tmp_path / "demo.log"
        deadline = time.monotonic() + 2 * START_SECONDS

        def live() -> int:
            if "Live: a call every" not in log.read_text():
                return 0
            since = f"epoch(received_at) > {begin}"
            ((count,),) = rows(tmp_path, f"select count(*) from fluents.events where {since}")
            return int(str(count))

        while live() < 2:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        second = run_command(tmp_path, "demo", "--events", "10")
        assert (second.returncode, "A demo is running" in second.stderr) == (1, True)
        children = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 0
    printed = log.read_text()
    assert "fluents-warehouse dashboard --config fluents-demo/fluents.toml" in printed
    assert "Traceback" not in printed
    assert "leaves FLUENTS_DATA_DIR of the environment alone" in printed
    assert not (tmp_path / "real").exists()
    assert [child for child in children if child.is_running()] == []
    (sent,) = re.findall(r"^Sent ([\d,]+) events of [\d,]+ calls since the month", printed, re.M)
    state = json.loads(run_command(tmp_path, "status", "--json", *CONFIG).stdout)
    assert state["received"] == 60 + int(sent)
    assert state["pending"] == 0
    ((stored,),) = rows(
        tmp_path,
        "select (select count(*) from fluents.events) + (select count(*) from fluents.quarantine)",
    )
    assert stored == state["received"]


@pytest.mark.attack
def test_live_ends_by_itself_after_a_time(tmp_path: Path) -> None:
    with going_on(tmp_path, "--live", "--seconds", "2", "--no-keep") as process:
        assert process.wait(120) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["demo.log"]
