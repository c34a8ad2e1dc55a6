"""Serves the receiver with granian: worker processes that share one staging buffer.

At SIGTERM and Ctrl-C it takes no more requests, finishes those under way and ends with status 0.
"""

from __future__ import annotations

import gc
import os
import tempfile
import time
from contextlib import closing
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import structlog
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from fluents_connector.buffer import Buffer, buffer_store, open_buffer
from fluents_connector.errors import BufferUnavailable, SettingsError
from fluents_connector.logs import configure_logs
from fluents_connector.process import end_with_parent, ignore_interrupts, let_workers_be_stopped
from fluents_connector.receiver.connections import (
    WAITING,
    connections_of_a_worker,
    raise_file_limit,
)
from fluents_connector.receiver.listening import check_can_listen
from fluents_connector.settings import Settings

STOP_SECONDS = 10  # for requests under way; those that take longer are cut off
MAX_HEADER_BYTES = 64 * 1024  # more than any proxy sends; beyond it granian answers 431

OPEN_SECONDS = 1.0  # between two attempts of a worker to open a buffer that is unavailable
# prometheus_client maps its files: on a full disk, a write to one would kill the worker.
MEMORY = Path("/dev/shm")  # noqa: S108 # in a temporary folder there

log = structlog.get_logger(__name__)


def serve(settings: Settings, *, time_is_told: bool = False) -> None:
    """Serves until SIGTERM or SIGINT. Raises `SettingsError` if nobody could deliver.

    That is so without a webhook, with a certificate that cannot be used and on a port in use.
    `time_is_told` is for the demo alone: see `fluents_connector.receiver.told_time`.
    """
    if time_is_told and not ip_address(settings.host).is_loopback:
        raise SettingsError(
            f"The receiver of a demo listens on loopback only, and `host` is {settings.host}: for "
            "anything else run `fluents-warehouse serve`."
        )
    if not settings.webhooks:
        raise SettingsError(
            "No webhook has a token, so nobody could deliver. Run `fluents-warehouse init`, or "
            'write below [webhooks] a line such as main = "<token>".'
        )
    # Made, or refused, here: a worker that fails would only be started again.
    with closing(open_buffer(settings)) as buffer:
        durability = buffer.durability().description
    if buffer_store(settings).recovery_is_unfinished():
        log.warning("recovery_unfinished", advice="run `fluents-warehouse buffer recover`")
    check_can_listen(settings)
    memory = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="fluents-metrics-", dir=memory) as metrics_dir:
        # prometheus_client reads this when a worker imports it
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics_dir
        server = Server(
            "fluents-warehouse",
            address=settings.host,
            port=settings.port,
            interface=Interfaces.RSGI,
            workers=settings.workers,
            http=HTTPModes.http1,  # HTTP/2 would need limits of its own
            websockets=False,
            ssl_cert=settings.tls_certificate,
            ssl_key=settings.tls_key,
            ssl_protocol_min=SSLProtocols.tls12,
            backlog=WAITING,
            # granian's own default shares the backlog among the workers: 512 connections each
            backpressure=connections_of_a_worker(raise_file_limit()),
            http1_settings=HTTP1Settings(
                # counted from the connection or the last response, so idle ones are closed
                header_read_timeout=round(
                    min(settings.header_seconds, settings.request_seconds) * 1000
                ),
                max_buffer_size=MAX_HEADER_BYTES,
            ),
            log_level=LogLevels.error,
            log_dictconfig={"loggers": {"_granian": {"propagate": True}}},  # to configure_logs
            log_access=False,  # a path holds a token
            respawn_failed_workers=True,
            respawn_interval=0.1,
            workers_kill_timeout=STOP_SECONDS,
        )
        let_workers_be_stopped()
        server.on_startup(partial(_announce, settings, durability))
        server.serve(
            target_loader=partial(_worker_app, settings, time_is_told, os.getpid()),
            wrap_loader=False,
        )
        log.info("receiver_stopped")


def _worker_app(settings: Settings, time_is_told: bool, parent: int) -> Any:
    ignore_interrupts()
    end_with_parent(parent)
    # Imported in the worker, after PROMETHEUS_MULTIPROC_DIR is set.
    from fluents_connector.receiver.rsgi import Rsgi
    from fluents_connector.receiver.told_time import ToldTimeWebhooks
    from fluents_connector.receiver.webhook import Webhooks

    configure_logs(settings.log_format)
    collect_garbage_seldom()
    kind = ToldTimeWebhooks if time_is_told else Webhooks
    webhooks = kind(settings, _open_buffer(settings))
    return Rsgi(webhooks, threads=settings.threads, seconds=settings.request_seconds)


def _open_buffer(settings: Settings) -> Buffer:
    # granian ends all workers when one fails repeatedly at its start, so this waits instead.
    while True:
        try:
            # Only `serve` makes one: one made by a worker would hide that the first is gone.
            buffer_store(settings).require()
            return open_buffer(settings)
        except BufferUnavailable as error:
            log.error("buffer_unavailable", detail=str(error))
            time.sleep(OPEN_SECONDS)


def collect_garbage_seldom() -> None:
    """Lets Python's garbage collector run seldom, as it would run while a body is parsed.

    It would look through the millions of lists of a hostile body again and again while they grow,
    which makes parsing it five times as slow. Reference counting frees what a request leaves.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def _announce(settings: Settings, durability: str) -> None:
    log.info(
        "receiver_started",
        address=settings.address,
        webhooks=list(settings.webhooks),
        workers=settings.workers,
        buffer=buffer_store(settings).description,
        durability=durability,
    )
