"""What every command has: help, a line in docs/commands.md, and errors without a stack trace."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click
import duckdb
import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import load_settings
from fluents_connector.settings.secret_values import MIN_TOKEN_LENGTH
from fluents_warehouse.cli import cli
from tests.deliveries import TOKEN, Clock, append_all, body
from tests.docs.pages import page
from tests.processes import Receiver, run_command, write_settings

Command = Callable[..., subprocess.CompletedProcess[str]]
COMMANDS = page("docs/commands.md")


def every_command(group: click.Group = cli, prefix: str = "") -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name, command in group.commands.items():
        found.append((f"{prefix}{name}", command))
        if isinstance(command, click.Group):
            found += every_command(command, f"{prefix}{name} ")
    return found


@pytest.mark.parametrize(
    ("name", "command"), every_command(), ids=[name for name, _ in every_command()]
)
def test_every_command_has_help_and_is_on_its_page(name: str, command: click.Command) -> None:
    assert command.help
    assert re.search(rf"^\| `{name}[` ]", COMMANDS, re.MULTILINE)
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name not in ("limit", "port"):
            assert parameter.help or parameter.show_default, f"{name} {parameter.name}"


def fill(folder: Path) -> Path:
    """Makes settings, and a buffer of two events, a duplicate and two bad deliveries."""
    settings = load_settings(write_settings(folder, buffer_keep_days=36500))
    buffer = SqliteBuffer(settings.buffer_file)
    error = body("event_error", "one")
    append_all(buffer, [error, body("event_error", "two"), error, b"[1]", b"\xff"], Clock())
    buffer.close()
    return folder


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    return fill(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = fill(tmp_path_factory.mktemp("made"))
    assert run_command(folder, "load").returncode == 0
    return folder


@pytest.fixture
def loaded(made: Path, tmp_path: Path) -> Path:
    """What `filled` is after a load."""
    return Path(shutil.copytree(made, tmp_path, symlinks=True, dirs_exist_ok=True))


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve"],
        ["load"],
        ["load", "--every", "1s"],
        ["run"],
        ["status"],
        ["query", "select 1"],
        ["models"],
        ["quarantine", "list"],
        ["send", "-"],
    ],
    ids=" ".join,
)
def test_without_settings_a_command_says_to_run_init(
    command: Command, arguments: list[str]
) -> None:
    result = command(*arguments)
    assert result.returncode == 1
    assert "fluents-warehouse init" in result.stderr
    assert "Traceback" not in result.stderr


def test_init_writes_a_secret_that_only_its_owner_can_read(
    command: Command, tmp_path: Path
) -> None:
    result = command("init", "--port", "9123")
    config = tmp_path / "fluents.toml"
    assert result.returncode == 0
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    settings = load_settings(config)
    (token,) = settings.webhooks["main"]
    assert len(token.get_secret_value()) > MIN_TOKEN_LENGTH
    assert f"http://127.0.0.1:9123/fluents/webhook/{token.get_secret_value()}" in result.stdout


def test_init_again_changes_nothing_and_prints_the_same_url(
    command: Command, tmp_path: Path
) -> None:
    first = command("init")
    before = (tmp_path / "fluents.toml").read_bytes()
    again = command("init")
    assert again.returncode == 0
    assert (tmp_path / "fluents.toml").read_bytes() == before
    assert first.stdout.splitlines()[-3:] == again.stdout.splitlines()[-3:]


def test_two_inits_give_different_secrets(command: Command, tmp_path: Path) -> None:
    command("init", "--config", "a.toml")
    command("init", "--config", "b.toml")
    assert (tmp_path / "a.toml").read_text() != (tmp_path / "b.toml").read_text()


@pytest.mark.parametrize("every", ["soon", "0s", "2 weeks", ""])
def test_a_wrong_duration_says_what_to_write(command: Command, every: str) -> None:
    result = command("load", "--every", every)
    assert result.returncode == 2
    assert "duration" in result.stderr or "outside" in result.stderr


def test_load_loads_publishes_and_then_has_nothing_to_do(command: Command, filled: Path) -> None:
    first = command("load")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("Loaded 5 deliveries in ")
    assert "fluents_warehouse.duckdb" in first.stdout
    second = command("load")
    assert (second.returncode, second.stdout, second.stderr) == (0, "Nothing to load.\n", "")


def test_a_second_load_ends_at_once_with_status_3(command: Command, filled: Path) -> None:
    from fluents_pipelines.load import Loader

    with Loader(load_settings(filled / "fluents.toml")):
        result = command("load")
    assert result.returncode == 3
    assert "Another load is running" in result.stderr
    assert "Traceback" not in result.stderr


def test_status_adds_up_before_and_after_a_load(command: Command, filled: Path) -> None:
    def state() -> dict[str, object]:
        return dict(json.loads(command("status", "--json").stdout))

    parts = ("loaded", "duplicates", "quarantined", "pending")
    before = state()
    assert [before[part] for part in parts] == [0, 1, 2, 2]
    assert before["received"] == 5
    assert before["last_load"] is None
    assert isinstance(before["oldest_pending_age_seconds"], float)
    command("load")
    after = state()
    assert [after[part] for part in parts] == [2, 1, 2, 0]
    assert after["oldest_pending_age_seconds"] is None
    assert isinstance(after["last_load"], dict)
    assert after["last_load"]["deliveries"] == 5
    assert after["last_load"]["succeeded"] is True


@pytest.mark.attack
def test_status_for_people_shows_the_same_numbers(command: Command, loaded: Path) -> None:
    shown = {
        line.split()[0]: line.split()[1]
        for line in command("status").stdout.splitlines()
        if len(line.split()) > 1
    }
    assert (shown["received"], shown["loaded"], shown["duplicates"]) == ("5", "2", "1")
    assert (shown["quarantined"], shown["pending"]) == ("2", "0")


def test_status_and_quarantine_answer_while_somebody_holds_the_buffers_write_lock(
    command: Command, filled: Path
) -> None:
    path = load_settings(filled / "fluents.toml").buffer_file
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("begin immediate")
        assert json.loads(command("status", "--json").stdout)["received"] > 0
        assert command("quarantine", "list").returncode == 0


def test_status_makes_no_buffer_where_there_is_none(command: Command, tmp_path: Path) -> None:
    write_settings(tmp_path)
    assert json.loads(command("status", "--json").stdout)["received"] == 0
    assert not (tmp_path / ".fluents").exists()


def test_query_prints_and_writes_in_each_format(command: Command, loaded: Path) -> None:
    sql = "select message from fluents.errors order by 1"
    assert command("query", sql, "--format", "csv").stdout == "message\none\ntwo\n"
    assert command("query", sql, "--format", "json").stdout.splitlines()[0] == '{"message":"one"}'
    assert command("query", sql).stdout == "message\none\ntwo\n"
    written = command("query", sql, "--format", "parquet", "--output", "errors.parquet")
    assert written.returncode == 0
    path = loaded / "errors.parquet"
    assert duckdb.sql(f"select count(*) from '{path}'").fetchall() == [(2,)]


def test_a_wrong_query_ends_with_status_1_and_duckdbs_words(command: Command, loaded: Path) -> None:
    result = command("query", "select nope from fluents.calls")
    assert result.returncode == 1
    assert "nope" in result.stderr
    assert "Traceback" not in result.stderr


def test_query_before_any_load_says_to_load(command: Command, filled: Path) -> None:
    result = command("query", "select 1")
    assert result.returncode == 1
    assert "fluents-warehouse load" in result.stderr


def test_models_lists_them_and_their_claims_hold(command: Command, loaded: Path) -> None:
    result = command("models", env={"COLUMNS": "200"})
    assert result.returncode == 0
    assert "analytics.call_summary" in result.stdout
    assert "broken" not in result.stdout


def test_models_ends_with_status_1_when_a_claim_is_broken(command: Command, loaded: Path) -> None:
    with duckdb.connect(str(loaded / "fluents_warehouse.duckdb")) as connection:
        connection.execute("delete from analytics.call_summary")
    result = command("models", env={"COLUMNS": "300"})
    assert result.returncode == 1
    assert "broken  call_summary__has_every_call" in result.stdout


@pytest.mark.attack
def test_models_and_status_name_what_is_wrong_with_the_users_own(
    command: Command, filled: Path
) -> None:
    config = filled / "fluents.toml"
    config.write_text('models_dir = "mine"\n' + config.read_text())
    (filled / "mine" / "checks").mkdir(parents=True)
    mine = filled / "mine"
    (mine / "right.sql").write_text("-- All [of] it.\n-- grain: one\nselect 1 as one")
    (mine / "checks" / "right__holds.sql").write_text("from analytics.right where one > 1")
    command("load")
    result = command("models", env={"COLUMNS": "300"})
    assert result.returncode == 0, result.stdout
    assert "holds  right__holds" in result.stdout
    assert "All [of] it." in result.stdout

    (mine / "wrong.sql").write_text("select\nnope")
    assert "changed since the last load" in command("models").stdout
    loaded = command("load")
    assert (loaded.returncode, "Published" in loaded.stdout) == (0, True)
    result = command("models")
    error = next(line for line in result.stdout.splitlines() if line.startswith("wrong "))
    assert result.returncode == 1
    assert "mine/wrong.sql:2: " in error
    assert "nope" in error
    assert "mine/wrong.sql:2: " in command("status").stdout
    (shown,) = json.loads(command("status", "--json").stdout)["model_errors"]
    assert shown in error

    (mine / "wrong.sql").unlink()
    (mine / "checks" / "right__holds.sql").write_text("from analytics.right\nwhere nope")
    command("load")
    result = command("models")
    assert result.returncode == 1
    assert "wrong  mine/checks/right__holds.sql:2: " in result.stdout
    assert json.loads(command("status", "--json").stdout)["model_errors"] == []


def test_quarantine_lists_and_shows_what_was_refused(command: Command, filled: Path) -> None:
    lines = command("quarantine", "list", "--json").stdout.splitlines()
    refused = [json.loads(line) for line in lines]
    assert [one["reason"] for one in refused] == ["not_utf8", "not_an_object"]
    shown = command("quarantine", "show", refused[1]["delivery_id"])
    assert shown.stdout == "[1]"
    assert "not_an_object" in shown.stderr
    assert "not_utf8" in command("quarantine", "list", env={"COLUMNS": "200"}).stdout


@pytest.mark.parametrize("delivery_id", ["nothing", ""], ids=["unknown", "ambiguous"])
def test_quarantine_show_needs_one_delivery(
    command: Command, filled: Path, delivery_id: str
) -> None:
    result = command("quarantine", "show", delivery_id)
    assert result.returncode == 1
    assert "quarantine list" in result.stderr


def test_send_proves_itself_as_the_gateway_of_the_settings_does(tmp_path: Path) -> None:
    secrets = dict.fromkeys(("gateway_secret", "hmac_secret"), TOKEN[::-1])
    (tmp_path / "bodies.json").write_bytes(body("event_error", "x"))
    with Receiver(tmp_path, gateway_header="X-A", hmac_header="X-B", **secrets) as receiver:
        assert receiver.post(body("event_error", "y")).status_code == 404
        sent = run_command(tmp_path, "send", "bodies.json")
    assert (sent.returncode, sent.stdout) == (0, "Sent 1: 1 stored.\n")
