"""The receiver and the loader of a demo, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fluents_connector.errors import FluentsError
from fluents_connector.settings import Settings
from fluents_warehouse.child import end, wait_until_ready

START_SECONDS = 20.0
STOP_SECONDS = 30.0  # for a load under way


class Service:
    """A process of a demo in `folder` that works until it is ended, with a log of its own."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        module = f"fluents_warehouse.demonstration.{name}"
        with self.log.open("wb") as output:
            # in its own session, so that Ctrl-C reaches the demo alone, which ends it in turn
            self.process = subprocess.Popen(  # noqa: S603 # our own command
                [sys.executable, "-m", module, str(folder), str(os.getpid())],
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def require(self) -> None:
        """Raises `FluentsError` if it has ended by itself."""
        if self.process.poll() is not None:
            raise FluentsError(f"The {self.name} of the demo ended by itself. Its log: {self.log}")


@contextmanager
def receiver(settings: Settings, folder: Path) -> Iterator[Service]:
    """A receiver that is told the time, for as long as the block runs."""
    service = Service("receiver", folder)
    try:
        if not wait_until_ready(f"{settings.address}/readyz", service.process, START_SECONDS):
            raise FluentsError(f"The receiver did not start. Its log is {service.log}.")
        yield service
    finally:
        end(service.process, STOP_SECONDS)


@contextmanager
def loader(folder: Path) -> Iterator[Service]:
    """A loader that loads what arrives, and at the end of the block what is left."""
    service = Service("loader", folder)
    try:
        yield service
    finally:
        end(service.process, STOP_SECONDS)
