"""What some tests need of the machine beside Python.

Where it is not there they are skipped, and say how to get it. In CI nothing may be skipped: with
`TESTS_SKIP_NOTHING` in the environment they fail instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

SKIP_NOTHING = bool(os.environ.get("TESTS_SKIP_NOTHING"))
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DEBIAN_PACKAGES = {
    "caddy": "caddy",
    "cc": "gcc libc6-dev",
    "mkfs.xfs": "xfsprogs",
    "nginx": "nginx-light",
    "openssl": "openssl",
    "pg_dump": "postgresql",
    "promtool": "prometheus",
    "systemd-analyze": "systemd",
    "wrk": "wrk",
}
TOOLS = "dbt-duckdb 'dbt-core<1.12' mcp-server-motherduck"
_FOLDERS = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/bin"))


def program(name: str) -> str:
    """The path of a program; without it the test is skipped."""
    path = shutil.which(name, path=_FOLDERS)
    return path or missing(f"{name} is missing: apt-get install {DEBIAN_PACKAGES[name]}")


def find_browser() -> str | None:
    """Chromium's path, if it is there."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def browser() -> str:
    """Chromium's path; playwright's own browser is not on PyPI."""
    return find_browser() or missing("Chromium is missing: apt-get install chromium")


def tool(name: str) -> str:
    """The path of a program of docs/tools.md, which the environment of the tests is not to have."""
    path = shutil.which(name, path=os.environ.get("TESTS_TOOLS", ""))
    return path or missing(
        f"{name} is missing: python3 -m venv /tmp/tools && /tmp/tools/bin/pip install {TOOLS}, "
        "then TESTS_TOOLS=/tmp/tools/bin pytest …"
    )


def small_disks() -> None:
    """Whether a test may mount a small disk for its processes alone."""
    if not _may_mount():
        missing("a user may not mount a tmpfs here: run as root, or allow user namespaces")


def root() -> None:
    """Whether a test may mount a file system for all."""
    if os.geteuid() or not Path("/dev/loop-control").exists():
        missing("only root can mount a file system here: run the tests as root")


def missing(reason: str) -> NoReturn:
    """Skips the test; in CI it fails."""
    if SKIP_NOTHING:
        pytest.fail(reason)
    pytest.skip(reason)


@cache
def _may_mount() -> bool:
    try:
        command = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
