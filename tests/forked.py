"""Commands in processes of their own that find their imports made.

Most of the time of a short command goes into Python's start and the import of dlt, DuckDB and
pyarrow. So a server, one for each process of pytest, imports them once, and each command is a fork
of it, with its own folder, environment, output, umask and exit status. The server has one thread,
beside that of Arrow's allocator, which knows of forks, and it has opened nothing. What must begin
with a fresh Python, as our services do, is started by `subprocess` (tests/processes.py).
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.forked_imports"])


def run(
    folder: Path, arguments: tuple[str, ...], env: dict[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Runs `fluents-warehouse` with exactly the environment `env` in `folder`, to its end.

    Raises `subprocess.TimeoutExpired`, when the command has been killed.
    """
    with tempfile.TemporaryDirectory() as outputs:
        out, err = Path(outputs, "out"), Path(outputs, "err")
        process = _CONTEXT.Process(target=_command, args=(folder, arguments, env, out, err))
        process.start()
        try:
            process.join(timeout)
            if process.exitcode is None:
                raise subprocess.TimeoutExpired(list(arguments), timeout, out.read_bytes())
            return subprocess.CompletedProcess(
                list(arguments), process.exitcode, out.read_text(), err.read_text()
            )
        finally:
            process.kill()
            process.join()
            process.close()


def _command(
    folder: Path, arguments: tuple[str, ...], env: dict[str, str], out: Path, err: Path
) -> None:
    for descriptor, path in ((1, out), (2, err)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["fluents-warehouse", *arguments]
    from fluents_warehouse.__main__ import main

    try:
        main()
    finally:
        atexit._run_exitfuncs()  # multiprocessing ends its processes without them
