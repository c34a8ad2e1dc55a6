"""No other user of the machine can read what we write, but for a group that the settings name."""

from __future__ import annotations

import grp
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deliveries import body
from tests.processes import environment, write_settings

pytestmark = pytest.mark.attack


def run(folder: Path, *arguments: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "fluents_warehouse", *arguments],
        cwd=folder,
        env=environment(),
        umask=0o022,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def wider(folder: Path) -> dict[str, str]:
    """What others than the owner may do with files and folders below `folder`."""
    return {
        str(path.relative_to(folder)): oct(path.stat().st_mode & 0o777)
        for path in folder.rglob("*")
        if not path.is_symlink() and path.stat().st_mode & 0o077
    }


def test_everything_that_commands_write_is_for_its_owner_only(tmp_path: Path) -> None:
    run(tmp_path, "init")
    run(tmp_path, "demo", "--events", "60", "--keep")
    demo = tmp_path / "fluents-demo"
    run(demo, "buffer", "backup", "copy.sqlite")
    run(demo, "export", "exported")
    run(demo, "load")
    assert len(list(demo.rglob("*"))) > 30
    assert wider(tmp_path) == {}


def test_what_is_there_already_is_closed_and_a_group_reads_the_published_file_only(
    tmp_path: Path,
) -> None:
    group = grp.getgrgid(os.getgroups()[0] if os.getuid() else 1).gr_name
    write_settings(tmp_path, warehouse_group=group).chmod(0o600)
    data = tmp_path / ".fluents"
    data.mkdir(mode=0o755)
    data.chmod(0o755)
    (tmp_path / "event.json").write_bytes(body("event_error", "x"))
    (tmp_path / "event.json").chmod(0o600)
    run(tmp_path, "load")
    assert data.stat().st_mode & 0o777 == 0o700
    published = (tmp_path / "fluents_warehouse.duckdb").resolve()
    for path, mode in ((published, 0o640), (published.parent, 0o750)):
        assert path.stat().st_mode & 0o777 == mode
        assert path.group() == group
    assert set(wider(tmp_path)) == {
        str(path.relative_to(tmp_path)) for path in (published, published.parent)
    }
