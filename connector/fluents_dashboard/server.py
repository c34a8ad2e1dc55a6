"""Serves the dashboard with granian: one worker, whose threads share a snapshot and its answers.

At SIGTERM and Ctrl-C it finishes the requests under way and ends with status 0.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from fluents_connector.addresses import reached_at
from fluents_connector.logs import configure_logs
from fluents_connector.process import end_with_parent, ignore_interrupts, let_workers_be_stopped
from fluents_connector.settings import Settings

THREADS = 16  # so many requests are answered at once; others wait
STOP_SECONDS = 5
MAX_HEADER_BYTES = 32 * 1024
IDLE_MILLISECONDS = 30_000
WAIT_SECONDS = 0.1  # between two tries whether the worker answers
LOOK_SECONDS = 5.0  # between two looks whether an outdated snapshot is open that nobody uses

Status = Callable[[], Mapping[str, Any]]


def serve(
    settings: Settings,
    host: str,
    port: int,
    token: str,
    status: Callable[[Settings], Mapping[str, Any]],
    started: Callable[[], None],
) -> None:
    """Serves until SIGTERM or SIGINT; calls `started` once it answers visitors."""
    server = Server(
        "fluents-dashboard",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        http=HTTPModes.http1,
        websockets=False,
        http1_settings=HTTP1Settings(
            header_read_timeout=IDLE_MILLISECONDS, max_buffer_size=MAX_HEADER_BYTES
        ),
        log_level=LogLevels.error,
        log_dictconfig={"loggers": {"_granian": {"propagate": True}}},  # to configure_logs
        log_access=False,  # a link holds the token
        respawn_failed_workers=True,
        respawn_interval=0.1,
        workers_kill_timeout=STOP_SECONDS,
    )
    let_workers_be_stopped()
    # a worker listens some moments after granian has started it
    server.on_startup(threading.Thread(target=_wait, args=(host, port, started), daemon=True).start)
    server.serve(
        target_loader=partial(_worker_app, settings, token, status, os.getpid()), wrap_loader=False
    )


def _wait(host: str, port: int, started: Callable[[], None]) -> None:
    while True:
        connection = HTTPConnection(reached_at(host), port, timeout=LOOK_SECONDS)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == HTTPStatus.OK:
                started()
                return
        except OSError:
            time.sleep(WAIT_SECONDS)
        finally:
            connection.close()


def _worker_app(
    settings: Settings,
    token: str,
    status: Callable[[Settings], Mapping[str, Any]],
    parent: int,
) -> Any:
    ignore_interrupts()
    end_with_parent(parent)
    # imported in the worker, so that the parent stays small
    from fluents_dashboard.app import create_app

    configure_logs(settings.log_format)
    app = create_app(settings, token=token, status=partial(status, settings))
    threading.Thread(
        target=_drop_outdated, args=(app.extensions["snapshots"],), daemon=True
    ).start()
    return app


def _drop_outdated(snapshots: Any) -> None:
    while True:
        time.sleep(LOOK_SECONDS)
        snapshots.drop_outdated()
