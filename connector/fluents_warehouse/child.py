"""Waits for the processes that a command starts, and ends them."""

from __future__ import annotations

import subprocess
import threading
import time
import urllib.error
import urllib.request

LOOK_SECONDS = 0.05


def wait_until_ready(
    url: str,
    process: subprocess.Popen[bytes],
    seconds: float,
    stop: threading.Event | None = None,
) -> bool:
    """Whether `url` answers within `seconds`, before the process ends or `stop` is set."""
    stop = stop or threading.Event()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None and not stop.is_set():
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 # an http URL of this machine
                return True
        except (urllib.error.URLError, OSError):
            stop.wait(LOOK_SECONDS)
    return False


def end(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Asks a process to end by SIGTERM, and kills it if it has not ended after `seconds`."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
