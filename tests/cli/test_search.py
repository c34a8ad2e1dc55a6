"""`search` on the command line: what a person sees, and what a script gets."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deliveries import body
from tests.loads import load_once, settings_in
from tests.processes import write_settings

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = "BOT: What can I do?\nHUMAN: Cancel \x1b[31mit.\nBOT: Of course."
    folder = load_once(
        tmp_path_factory.mktemp("searched"),
        [body("event_transcript", {"transcript": lines}), body("event_ended", call_id="call-2")],
    )
    return settings_in(folder).warehouse_path


@pytest.fixture
def warehouse(loaded: Path, tmp_path: Path) -> None:
    write_settings(tmp_path, warehouse_path=str(loaded))


@pytest.mark.usefixtures("warehouse")
def test_a_turn_is_shown_between_its_neighbours_and_its_escapes_are_not_obeyed(
    command: Command,
) -> None:
    result = command("search", "CANCEL")
    head, *turns = result.stdout.splitlines()
    assert head.endswith("  call-1  transcripts")
    assert turns == [
        "  bot  What can I do?",
        "> human  Cancel \\x1b[31mit.",
        "  bot  Of course.",
        "",
    ]
    assert (result.returncode, result.stderr) == (0, "1 found in 2 calls.\n")


@pytest.mark.usefixtures("warehouse")
def test_for_scripts_a_hit_is_a_line_of_json(command: Command) -> None:
    result = command("search", "cancel", "--format", "json", "--turns", "0")
    (hit,) = map(json.loads, result.stdout.splitlines())
    assert (hit["call_id"], hit["place"], hit["beside"]) == ("call-1", 2, [])


@pytest.mark.usefixtures("warehouse")
@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["nowhere"], 0, "0 found in 2 calls."),
        (["cancel", "--until", "2020-01-01"], 0, "0 found in 0 calls."),
        (['""'], 1, "Give a word to search for"),
        (["a", "--since", "yesterday"], 2, "is no time"),
        ([], 2, "Missing argument"),
        (["--", "--limit"], 0, "0 found in 2 calls."),
    ],
    ids=["no hit", "no calls", "no words", "no time", "no argument", "words like an option"],
)
def test_what_is_wrong_is_said(
    command: Command, arguments: list[str], status: int, says: str
) -> None:
    result = command("search", *arguments)
    assert result.returncode == status, result.stderr
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_without_a_warehouse_it_says_what_to_run(command: Command, tmp_path: Path) -> None:
    write_settings(tmp_path)
    result = command("search", "word")
    assert result.returncode == 1
    assert "fluents-warehouse load" in result.stderr
