"""SIGKILL for processes that we started, by their ids, and the wait until they are gone."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress

import psutil

WAIT_SECONDS = 900.0  # half a million events derived again, on a busy machine


class SystemFailed(AssertionError):
    """A process did what no fault excuses: it did not start, or ended by itself."""


def children_of(pid: int) -> list[psutil.Process]:
    """The living children, in the order of their start."""
    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [child for child in children if is_alive(child)]


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for a process that we started, then for its children; waits until all are gone."""
    children = children_of(process.pid) if process.poll() is None else []
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    process.wait()
    wait_gone(children)


def wait_gone(processes: list[psutil.Process]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while any(is_alive(process) for process in processes):
        if time.monotonic() > deadline:
            raise SystemFailed("a process outlived SIGKILL")
        time.sleep(0.005)
