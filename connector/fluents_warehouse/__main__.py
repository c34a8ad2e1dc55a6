"""`fluents-warehouse`, and `python -m fluents_warehouse` where that is not on the path."""

from __future__ import annotations

import os
import signal
from typing import Never

INTERRUPTED = 130  # what a shell says of a command that Ctrl-C ended


def main() -> None:
    """Runs the command line; before and after it Ctrl-C ends the process without a stack trace."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # `nohup … &` ignores it
        signal.signal(signal.SIGINT, _leave)
    from fluents_warehouse.cli import main as run

    try:
        run()
    finally:
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, _leave)


def _leave(*_: object) -> Never:
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
