"""A forked command is as one that starts afresh: nothing of it stays, and it can be ended."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psutil
import pytest

from tests.deliveries import TOKEN
from tests.processes import run_command, write_settings

pytestmark = pytest.mark.process


def test_what_one_command_was_given_the_next_does_not_have(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    given = run_command(tmp_path, "status", env={"FLUENTS_WEBHOOKS__MAIN": TOKEN})
    assert (given.returncode, given.stderr) == (0, "")
    without = run_command(other, "status")
    assert without.returncode == 1
    assert "fluents-warehouse init" in without.stderr


def test_a_command_that_does_not_end_is_killed(tmp_path: Path) -> None:
    write_settings(tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        run_command(tmp_path, "load", "--every", "1h", timeout=5)
    assert not [one for one in psutil.process_iter(["cwd"]) if one.info["cwd"] == str(tmp_path)]
