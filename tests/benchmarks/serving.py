"""A receiver, as it is or changed, for as long as a benchmark needs it."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click
import psutil

from tests.benchmarks.measure import MIB
from tests.deliveries import TOKEN
from tests.processes import START_SECONDS, environment, free_port, write_settings

STOP_SECONDS = 40


class Serving:
    """`fluents-warehouse serve`, or another command, in `folder`. Use it in a `with` block.

    `variant` is one of `tests.benchmarks.launcher`. `seconds` is what it took until ready.
    """

    def __init__(
        self, folder: Path, *command: str, variant: str | None = None, **changes: Any
    ) -> None:
        self.folder = folder
        self.base = f"http://127.0.0.1:{(port := free_port())}"
        self.url = f"{self.base}/fluents/webhook/{TOKEN}"
        self.published = folder / "fluents_warehouse.duckdb"
        write_settings(folder, port=port, log_format="json", **changes)
        program = ["fluents_warehouse"]
        if variant:
            program = ["tests.benchmarks.launcher", variant]
        self._command = [sys.executable, "-m", *program, *(command or ("serve",))]
        self._log = folder / "process.log"

    def __enter__(self) -> Serving:
        start = time.perf_counter()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*self._command, "--config", str(self.folder / "fluents.toml")],
                cwd=Path(__file__).parents[2],
                env=environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C is for the benchmark, which then stops it
            )
        try:
            while not self._is_ready():
                if self._process.poll() is not None or time.perf_counter() - start > START_SECONDS:
                    raise click.ClickException(f"no receiver:\n{self._log.read_text()}")
                time.sleep(0.005)
        except BaseException:
            self.stop()
            raise
        self.seconds = time.perf_counter() - start
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def memory(self) -> dict[str, float]:
        """MiB of all its processes now; what they share is counted once."""
        master = psutil.Process(self._process.pid)
        processes = [master, *master.children(recursive=True)]
        return {
            "sum_mib": sum(process.memory_full_info().pss for process in processes) / MIB,
            "largest_mib": max(process.memory_info().rss for process in processes) / MIB,
        }

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.base}/readyz", timeout=5):  # noqa: S310 # our own http URL
                return True
        except (urllib.error.URLError, OSError):
            return False
