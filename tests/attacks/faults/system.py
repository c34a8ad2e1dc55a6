"""The system under attack: a real receiver and a real loader in one temporary folder.

Only processes that were started here are ever signalled, each by its own id.
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import psutil

from fluents_pipelines.warehouse.duckdb_file.files import FILE
from tests.attacks.disk import FaultyDisk, compile_faulty
from tests.attacks.faults import wal
from tests.attacks.faults.broken import BROKEN
from tests.attacks.faults.killing import (
    WAIT_SECONDS,
    SystemFailed,
    children_of,
    kill_all,
    wait_gone,
)
from tests.postgres import Server
from tests.processes import environment, free_port, write_settings

ROOT = Path(__file__).parents[3]
EVERY = "200ms"
HINDERED_SECONDS = 1.0  # until whoever met the trouble has noticed that it is over


class System:
    """Start, stop and damage. Close it, or use it in a `with` block; nothing is left running."""

    def __init__(
        self, folder: Path, *, broken: str | None = None, server: Server | None = None
    ) -> None:
        """`server` keeps the buffer; without it, SQLite does."""
        self.folder = folder
        self._server = server
        self.port = free_port()
        self.data_dir = folder / ".fluents"
        self.buffer = self.data_dir / "buffer.sqlite"
        self.warehouse = self.data_dir / FILE
        self.published = folder / "published.duckdb"
        self.kills: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        """What else happened: restarts after a crash loop, folders lost, tails torn."""
        self.complaints: list[str] = []
        """What a command beside did that no fault excuses."""
        self.set_back: Counter[str] = Counter()
        """What the warehouse holds and a restored buffer does not count any more."""
        self.loader_lock = threading.RLock()
        """Whoever starts or ends the loader holds it."""
        self.beside_lock = threading.RLock()
        """Whoever uses the files beside receiver and loader holds it; taken after the other."""
        self.receiver: subprocess.Popen[bytes] | None = None
        self.loader: subprocess.Popen[bytes] | None = None
        self._broken = broken
        self._hindered_until = 0.0
        (folder / "tmp").mkdir()
        self.disk = FaultyDisk(compile_faulty(folder / "tmp"), folder)
        self._config = write_settings(
            folder,
            port=self.port,
            workers=2,
            threads=8,
            warehouse_path=self.published.name,
            batch_rows=3_000,
            log_format="json",
            **({"buffer_url": server.url()} if server else {}),
        )

    def __enter__(self) -> System:
        return self

    def __exit__(self, *exception: object) -> None:
        for process in (self.receiver, self.loader):
            if process is not None:
                kill_all(process)

    @contextmanager
    def hindered(self) -> Iterator[None]:
        """While disk or buffer cannot be written: a receiver may fail to start."""
        self._hindered_until = float("inf")
        try:
            yield
        finally:
            self._hindered_until = time.monotonic() + HINDERED_SECONDS

    # --- receiver

    def start_receiver(self, *, clock: float = 0) -> None:
        changes = ["--clock", str(clock)] if clock else []
        while True:
            began = time.monotonic()
            self.receiver = self.start("receiver", changes, "serve")
            try:
                self._until(self._is_ready, "the receiver did not start", self.receiver)
            except SystemFailed:
                if began > self._hindered_until:
                    raise
                kill_all(self.receiver)
                # its operator starts it again
                self.notes["receiver not ready for a full disk or a lock"] += 1
            else:
                return

    def kill_worker(self, rng: Random) -> None:
        assert self.receiver is not None
        children = children_of(self.receiver.pid)
        if children:
            victim = rng.choice(children)
            with suppress(psutil.NoSuchProcess):
                victim.kill()
                self.kills["receiver worker"] += 1
            wait_gone([victim])
        # granian gives up where a worker dies again within 5.5 s: its operator starts it again
        deadline = time.monotonic() + WAIT_SECONDS
        while self.receiver.poll() is None and not self._has_two_workers():
            if time.monotonic() > deadline:
                raise SystemFailed("a killed worker was not replaced")
            time.sleep(0.01)
        if self.receiver.poll() is not None:
            self.notes["receiver ended after two workers killed at once"] += 1
            self.start_receiver()

    def kill_receiver(self) -> None:
        assert self.receiver is not None
        kill_all(self.receiver)
        self.kills["receiver master"] += 1

    def stop_receiver(self) -> None:
        assert self.receiver is not None
        self._stop(self.receiver, "receiver")

    def get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def crash_server(self, rng: Random) -> None:
        """Lets Postgres die as with its machine, and start again after up to a second."""
        assert self._server is not None
        self._server.stop(signal.SIGQUIT)
        time.sleep(rng.random())
        self._server.start()
        self.kills["postgres"] += 1

    def end_connections(self) -> None:
        """Ends whatever anybody is doing in Postgres."""
        assert self._server is not None
        with self._server.connect() as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'fluents-warehouse'"
            )
        self.kills["connections"] += 1

    # --- loader

    def start_loader(self, kill: tuple[str, int] | None = None) -> None:
        with self.loader_lock:
            changes = ["--kill", kill[0], str(kill[1])] if kill else []
            self.loader = self.start("loader", changes, "load", "--every", EVERY)

    def kill_loader(self, kind: str) -> None:
        with self.loader_lock:
            if self.loader is None:
                return
            if self.loader.poll() is None:
                self.loader.kill()
                self.loader.wait()
                self.kills[kind] += 1
            self._check_end_of_loader()

    def wait_until_loader_waits(self) -> None:
        """Until the loader says that another load is running."""
        said = self.log("loader").count("load_waits")
        deadline = time.monotonic() + WAIT_SECONDS
        while self.log("loader").count("load_waits") == said:
            self.check_loader()
            if time.monotonic() > deadline:
                raise SystemFailed("the loader does not say that it waits")
            time.sleep(0.05)

    def check_loader(self) -> None:
        """Raises `SystemFailed` where the loader ended by itself."""
        if self.loader is not None and self.loader.poll() is not None:
            self._check_end_of_loader()

    def wait_for_placed_kill(self, kind: str) -> None:
        """Until the loader has killed itself at its step."""
        assert self.loader is not None
        try:
            self.loader.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            raise SystemFailed(f"the loader never came to be killed: {kind}") from None
        self._check_end_of_loader()
        self.kills[kind] += 1

    def stop_loader(self) -> None:
        with self.loader_lock:
            assert self.loader is not None
            self._stop(self.loader, "loader")
            self.loader = None

    def lose_dlts_folder(self) -> None:
        shutil.rmtree(self.data_dir / "dlt", ignore_errors=True)
        self.notes["dlt folder lost"] += 1

    def failed_loads(self) -> list[str]:
        """What the loader itself reported as failed."""
        return re.findall(r'^\{.*"(?:load_failed|load_stopped)".*\}$', self.log("loader"), re.M)

    # --- both

    def start_anew(self) -> None:
        """Kills what runs, which is none of the faults, and starts both."""
        for process in (self.receiver, self.loader):
            if process is not None:
                kill_all(process)
        self.start_receiver()
        self.start_loader()

    def tear_the_buffers_log(self, kind: str, rng: Random) -> bool:
        """With both processes killed and the file open nowhere: a torn tail behind the WAL.

        False where the WAL holds no commit, and so has no end to tear.
        """
        with self.loader_lock:
            loader_ran = self.loader is not None and self.loader.poll() is None
            self.kill_loader("loader, at random")
            self.kill_receiver()
            path = self.data_dir / "buffer.sqlite-wal"
            is_torn = bool(wal.tear(path, kind, rng))
            self.notes[f"torn tail: {kind}"] += is_torn
            if rng.random() < 0.5:  # a machine that restarts has lost what was in shared memory
                path.with_name("buffer.sqlite-shm").unlink(missing_ok=True)
            self.start_receiver()
            if loader_ran:
                self.start_loader()
        return is_torn

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command to its end."""
        changes = self._changes([], arguments[0])
        return subprocess.run(
            [*self._program(changes), *arguments, "--config", str(self._config)],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def status(self) -> dict[str, Any]:
        ended = self.run("status", "--json")
        if ended.returncode:
            raise SystemFailed(f"status ended with {ended.returncode}: {ended.stderr[-500:]}")
        state: dict[str, Any] = json.loads(ended.stdout)
        back = self.set_back
        for key in back:
            state[key] += back[key]
        state["loaded"] += back["received"] - back["duplicates"] - back["quarantined"]
        return state

    # --- inside

    def start(
        self, name: str, changes: list[str], *command: str, env: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """A command of ours, with its output in the log of this name."""
        changes = self._changes(changes, command[0])
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*self._program(changes), *command, "--config", str(self._config)],
                cwd=self.folder,
                env={**self._environment(), **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the harness, which then ends them
            )

    def _changes(self, changes: list[str], command: str) -> list[str]:
        if self._broken is not None and BROKEN[self._broken][0] == command:
            return ["--broken", self._broken, *changes]
        return changes

    def _program(self, changes: list[str]) -> list[str]:
        if changes:
            return [sys.executable, "-m", "tests.attacks.faults.launcher", *changes, "--"]
        return [sys.executable, "-m", "fluents_warehouse"]

    def _environment(self) -> dict[str, str]:
        # a killed receiver cannot delete its folder of metrics: it goes with ours
        return environment(TMPDIR=str(self.folder / "tmp"), PYTHONPATH=str(ROOT), **self.disk.env)

    def _stop(self, process: subprocess.Popen[bytes], name: str) -> None:
        process.terminate()
        try:
            status = process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            raise SystemFailed(f"the {name} did not end on SIGTERM") from None
        if status:
            raise SystemFailed(f"the {name} ended with {status}: {self.log(name)[-1000:]}")

    def _check_end_of_loader(self) -> None:
        assert self.loader is not None
        if self.loader.returncode != -signal.SIGKILL:
            raise SystemFailed(
                f"the loader ended by itself with {self.loader.returncode}:"
                f" {self.log('loader')[-1000:]}"
            )

    def _is_ready(self) -> bool:
        try:
            return self.get("/readyz") == 200
        except (OSError, http.client.HTTPException):
            return False

    def _has_two_workers(self) -> bool:
        assert self.receiver is not None
        return len(children_of(self.receiver.pid)) == 2 and self._is_ready()

    def _until(self, true: Callable[[], bool], what: str, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not true():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemFailed(f"{what}: {self.log('receiver')[-1000:]}")
            time.sleep(0.01)

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""
