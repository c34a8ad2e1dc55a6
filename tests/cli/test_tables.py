"""What came from outside is shown as it is, and whole, on a terminal and in a pipe."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.delivery import NotAnEvent, new_event_id, refused
from fluents_connector.loader_state import FileLoaderState, LoadReport
from fluents_connector.printing import printable
from fluents_connector.settings import load_settings
from fluents_pipelines.models.built_in import models
from tests.deliveries import START
from tests.processes import environment, write_settings

Command = Callable[..., subprocess.CompletedProcess[str]]
ODD = ["[/red]", "[bold", "[/]", ":smile:", "[link=x]", "\x1b[2J\x07", "a\tb\nc\r", "\u202e", "\\["]


@pytest.fixture
def odd(tmp_path: Path) -> list[str]:
    """A buffer with a refused delivery for each odd text; their ids."""
    write_settings(tmp_path, buffer_keep_days=36500, quarantine_keep_days=36500)
    buffer = SqliteBuffer(load_settings(tmp_path / "fluents.toml").buffer_file)
    ids = []
    for number, text in enumerate(ODD):
        why = NotAnEvent("unknown_encoding", text)
        ids.append(new_event_id(START + number, 0))
        buffer.append(
            refused(b"[]", why, webhook="main", received_at=START + number, event_id=ids[-1])
        )
    buffer.close()
    return ids


def on_a_terminal(folder: Path, columns: int, *arguments: str) -> str:
    """What a command prints on a terminal of that width."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "fluents_warehouse", *arguments],
        cwd=folder,
        env=environment(COLUMNS=str(columns), TERM="xterm"),
        stdout=child,
        stderr=child,
    )
    os.close(child)
    printed = b""
    try:
        while chunk := os.read(parent, 65536):
            printed += chunk
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(parent)
    assert process.wait(60) in (0, 1)
    return re.sub("\x1b\\[[0-9;]*m", "", printed.decode())


def test_markup_in_a_header_is_listed_as_it_came(command: Command, odd: list[str]) -> None:
    result = command("quarantine", "list")
    assert (result.returncode, result.stderr) == (0, "")
    for text in ODD:
        assert f" {printable(text)} " in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_a_refused_delivery_shows_no_control_characters(
    command: Command, odd: list[str], text: str
) -> None:
    result = command("quarantine", "show", odd[ODD.index(text)])
    assert result.stderr.splitlines()[-1] == f"detail: {printable(text)}"


def test_markup_in_paths_errors_and_models_is_shown_as_it_came(
    command: Command, tmp_path: Path
) -> None:
    write_settings(tmp_path, data_dir="a[/b]", warehouse_path="x[/y].duckdb", models_dir="m")
    now = time.time()
    (tmp_path / "a[/b]").mkdir(parents=True)
    FileLoaderState(tmp_path / "a[/b]").write_report(
        LoadReport(now, now, 1, False, "wrong [/x] \x1b[31m", ["m/[/z].sql:1: [/q]"]),
    )
    shown = command("status")
    assert (shown.returncode, shown.stderr) == (0, "")
    for text in ("a[/b]/buffer.sqlite", "x[/y].duckdb", "wrong [/x] \\x1b[31m", "m/[/z].sql:1:"):
        assert text in shown.stdout


@pytest.mark.parametrize("columns", ["20", "80"])
def test_in_a_pipe_each_delivery_is_a_line_with_all_of_it(
    command: Command, odd: list[str], columns: str
) -> None:
    lines = command("quarantine", "list", env={"COLUMNS": columns}).stdout.splitlines()
    for delivery_id, text in zip(odd, ODD, strict=True):
        (line,) = (line for line in lines if delivery_id in line)
        assert "unknown_encoding" in line
        assert printable(text) in line


@pytest.mark.parametrize("columns", ["20", "80"])
def test_in_a_pipe_models_are_listed_with_whole_names_and_keys(
    command: Command, tmp_path: Path, columns: str
) -> None:
    write_settings(tmp_path)
    lines = command("models", env={"COLUMNS": columns}).stdout.splitlines()
    for model in models():
        (line,) = (line for line in lines if f" analytics.{model.name} " in line)
        assert model.description in line
        assert model.header["key"] in line


@pytest.mark.attack
@pytest.mark.parametrize("columns", [50, 80, 200])
def test_a_narrow_terminal_has_whole_names_and_fewer_columns(
    tmp_path: Path, odd: list[str], columns: int
) -> None:
    listed = on_a_terminal(tmp_path, columns, "quarantine", "list")
    for delivery_id in odd:
        assert delivery_id in listed
    assert ("detail" in listed) == (columns >= 80)
    assert ("webhook" in listed) == (columns >= 200)
    assert max(map(len, listed.splitlines())) <= columns
    listed = on_a_terminal(tmp_path, columns, "models")
    for model in models():
        assert f" analytics.{model.name} " in listed


@settings(deadline=None)
@given(st.text())
def test_what_is_printed_moves_no_cursor_and_ends_no_line(text: str) -> None:
    assert printable(text).isprintable()
    if text.isprintable():
        assert printable(text) == text
