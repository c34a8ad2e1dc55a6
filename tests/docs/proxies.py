"""Proxies of the pages, as processes of a test."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from tests import needs
from tests.processes import START_SECONDS, environment


def block_of(page: str, language: str, changes: Mapping[str, str]) -> str:
    """The one block of a language in a page, with other text in place of some of its own."""
    (text,) = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return str(text)


@contextmanager
def started(
    command: list[str], folder: Path, ask: Callable[[], object], **env: str
) -> Iterator[None]:
    """Runs a proxy from when `ask` reaches it until the end of the block."""

    def logs() -> str:
        return "".join(path.read_text() for path in folder.glob("*.log"))

    with (folder / "output.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment(**env), stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert process.poll() is None, logs()
            assert time.monotonic() < deadline, logs()
            try:
                ask()
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


def nginx_of(folder: Path, site: str) -> list[str]:
    """The command for an nginx that has one site."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in kinds
        if kind in ("client_body", "proxy") or _is_built_with(kind)
    )
    user = "user root;\n" if os.getuid() == 0 else ""
    main = f"{user}daemon off;\npid {folder}/nginx.pid;\nevents {{}}\n"
    config = folder / "nginx.conf"
    config.write_text(f"{main}http {{\n{temporary}{site}}}\n")
    return [
        needs.program("nginx"),
        "-p",
        str(folder),
        "-e",
        str(folder / "error.log"),
        "-c",
        str(config),
    ]


def _is_built_with(kind: str) -> bool:
    command = [needs.program("nginx"), "-V"]
    built = subprocess.run(command, capture_output=True, text=True, check=True)
    return f"--without-http_{kind}_module" not in built.stderr
