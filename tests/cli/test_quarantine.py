"""Refused deliveries can be looked at, repaired and stored after all, or dropped."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluents_connector.buffer import SqliteBuffer
from fluents_connector.settings import load_settings
from tests.deliveries import Clock, append_all, body
from tests.processes import write_settings

Command = Callable[..., subprocess.CompletedProcess[str]]
CUT_OFF = body("event_error", "one")[:-1]


@pytest.fixture
def refused(tmp_path: Path) -> list[str]:
    """A buffer of one event and two refused deliveries; the ids of those."""
    write_settings(tmp_path, buffer_keep_days=36500, quarantine_keep_days=36500)
    buffer = SqliteBuffer(load_settings(tmp_path / "fluents.toml").buffer_file)
    receipts = append_all(buffer, [body("event_error", "zero"), CUT_OFF, b"[]"], Clock())
    buffer.close()
    return [receipt.event_id for receipt in receipts[1:]]


@pytest.fixture
def state(command: Command) -> Callable[[], dict[str, Any]]:
    def read() -> dict[str, Any]:
        found = json.loads(command("status", "--json").stdout)
        parts = ("loaded", "duplicates", "quarantined", "pending")
        assert found["received"] == sum(found[part] for part in parts)
        return {part: found[part] for part in ("received", *parts)}

    return read


@pytest.mark.attack
@pytest.mark.parametrize("loaded_before", [False, True], ids=["not loaded yet", "loaded"])
def test_a_repaired_body_becomes_an_event_under_the_id_of_the_refusal(
    loaded_before: bool,
    command: Command,
    refused: list[str],
    tmp_path: Path,
    state: Callable[[], dict[str, Any]],
) -> None:
    if loaded_before:
        command("load")
    (tmp_path / "fixed.json").write_bytes(CUT_OFF + b"}")
    result = command("quarantine", "retry", refused[0], "--body", "fixed.json")
    assert (result.returncode, result.stdout) == (0, f"{refused[0]}  stored\n")
    assert state()["quarantined"] == 1
    command("load")
    assert state() == {
        "received": 3, "loaded": 2, "duplicates": 0, "quarantined": 1, "pending": 0,
    }  # fmt: skip
    sql = "select event_id, message from fluents.errors order by message"
    rows = command("query", sql, "--format", "csv").stdout.splitlines()
    assert rows[1] == f"{refused[0]},one"
    health = command(
        "query",
        "select received_count, quarantined_count, event_count from analytics.delivery_health",
        "--format",
        "csv",
    )
    assert health.stdout.splitlines()[1] == "3,1,2"
    assert command("models").returncode == 0


def test_what_is_still_refused_stays(
    command: Command, refused: list[str], state: Callable[[], dict[str, Any]]
) -> None:
    before = state()
    result = command("quarantine", "retry", "--all")
    assert result.returncode == 1
    assert result.stdout.count("still refused") == 2
    assert state() == before


def test_a_repair_that_repeats_an_event_is_a_duplicate(
    command: Command, refused: list[str], tmp_path: Path, state: Callable[[], dict[str, Any]]
) -> None:
    (tmp_path / "same.json").write_bytes(body("event_error", "zero"))
    result = command("quarantine", "retry", refused[1], "--body", "same.json")
    assert "duplicate" in result.stdout
    assert (state()["quarantined"], state()["duplicates"]) == (1, 1)


def test_a_refusal_is_settled_once(command: Command, refused: list[str], tmp_path: Path) -> None:
    (tmp_path / "fixed.json").write_bytes(CUT_OFF + b"}")
    command("quarantine", "retry", refused[0], "--body", "fixed.json")
    again = command("quarantine", "retry", refused[0], "--body", "fixed.json")
    assert again.returncode == 1
    assert "quarantine list" in again.stderr


def test_what_is_dropped_is_listed_no_more_and_still_counted(
    command: Command, refused: list[str], state: Callable[[], dict[str, Any]]
) -> None:
    assert command("quarantine", "drop", *refused).returncode == 0
    assert command("quarantine", "list").stdout == "The quarantine is empty.\n"
    assert state()["quarantined"] == 2
    command("load")
    found = command("query", "select count(*) from fluents.quarantine", "--format", "csv")
    assert found.stdout.split()[1] == "2"


@pytest.mark.parametrize("action", ["retry", "drop"])
@pytest.mark.parametrize("arguments", [[], ["--all", "some-id"]], ids=["neither", "both"])
def test_deliveries_are_named_or_all_are_meant(
    command: Command, refused: list[str], action: str, arguments: list[str]
) -> None:
    result = command("quarantine", action, *arguments)
    assert result.returncode == 2
    assert "--all" in result.stderr
