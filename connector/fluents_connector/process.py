"""How processes end: when they are asked to, and with the process that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from functools import partial

_PR_SET_PDEATHSIG = 1  # https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html


def stop_event() -> threading.Event:
    """An event that SIGTERM and Ctrl-C set from now on, in place of ending the process.

    Call it in the main thread, and let that wait with a timeout or in short turns: Python runs a
    signal's handler only when the main thread runs.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def let_workers_be_stopped() -> None:
    """Lets granian's workers, which are forked from now on, end at a SIGTERM during their start.

    A worker inherits the parent's signal handler, which would ignore it. One that arrives during
    the fork waits until the worker has reset that.
    """
    os.register_at_fork(
        before=partial(signal.pthread_sigmask, signal.SIG_BLOCK, {signal.SIGTERM}),
        after_in_parent=_let_stop,
        after_in_child=_stop_at_once,
    )


def ignore_interrupts() -> None:
    """Leaves Ctrl-C, which reaches the whole process group, to the parent of a granian worker.

    granian's handler in a worker hangs when a second signal interrupts it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _let_stop() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _stop_at_once() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _let_stop()


def end_with_parent(parent: int) -> None:
    """Asks Linux to send this process a SIGTERM when `parent`, its parent's pid, is gone.

    On other systems it does nothing: there a supervisor that is killed leaves processes behind.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before the call above
        os.kill(os.getpid(), signal.SIGTERM)
