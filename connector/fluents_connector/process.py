"""Processes that end with the one that started them, also where that one was killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html


def end_with_parent(parent: int) -> None:
    """Asks Linux to send this process a SIGTERM when `parent`, its parent's pid, is gone.

    Elsewhere it does nothing: a supervisor that is killed there leaves its processes running.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it was gone before we asked
        os.kill(os.getpid(), signal.SIGTERM)
