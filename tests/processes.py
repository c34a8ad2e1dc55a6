"""Our commands in processes of their own, ended by the test that started them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests

from tests import forked
from tests.deliveries import TOKEN

START_SECONDS = 60.0  # a shared machine under load, not a claim about speed


def run_command(
    folder: Path, *arguments: str, timeout: float = 120, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs `fluents-warehouse` with `arguments` in `folder`, to its end.

    It is a fork (see tests/forked.py), unless `env` has what Python or its libraries would read
    when they start.
    """
    whole = environment(**(env or {}))
    if all(name.startswith("FLUENTS_") or name == "COLUMNS" for name in env or {}):
        return forked.run(folder, arguments, whole, timeout)
    return subprocess.run(
        [sys.executable, "-m", "fluents_warehouse", *arguments],
        cwd=folder,
        env=whole,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without our own settings, so that a developer's do no harm."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FLUENTS_")}
    return {**kept, **changes}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Receiver:
    """`fluents-warehouse serve` (or another command that serves) in `folder`, until closed."""

    def __init__(
        self,
        folder: Path,
        *command: str,
        env: dict[str, str] | None = None,
        within: Sequence[str] = (),
        **settings: Any,
    ) -> None:
        """`env` is added to its environment; `within` is a command that starts it."""
        self.folder = folder
        self._env = env or {}
        self._within = within
        self.port = free_port()
        scheme = "https" if "tls_key" in settings else "http"
        self.base = f"{scheme}://127.0.0.1:{self.port}"
        self.url = f"{self.base}/fluents/webhook/{TOKEN}"
        self.log = folder / "receiver.log"
        self._command = command or ("serve",)
        self._settings = {"workers": 2, "threads": 8, **settings}
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = settings.get("tls_certificate", True)

    def __enter__(self) -> Receiver:
        write_settings(self.folder, port=self.port, **self._settings)
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.session.close()
        self.stop()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._within, sys.executable, "-m", "fluents_warehouse", *self._command],
                cwd=self.folder,
                env=environment(**self._env),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.session.get(f"{self.base}/readyz", timeout=5).status_code == 200:
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        raise AssertionError(f"no receiver:\n{self.log.read_text()}")

    def stop(self) -> int:
        """Asks it to end, as an operator would; returns its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def post(self, content: bytes, **options: Any) -> requests.Response:
        return self.session.post(self.url, data=content, timeout=30, **options)


def write_settings(folder: Path, **values: Any) -> Path:
    """A `fluents.toml` with one webhook `main`, whose token is `TOKEN`."""
    path = folder / "fluents.toml"
    lines = [f"{key} = {_toml(value)}" for key, value in values.items()]
    path.write_text("\n".join([*lines, "[webhooks]", f'main = "{TOKEN}"', ""]))
    return path


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
