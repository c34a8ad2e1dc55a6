"""Logs: lines for people on a terminal, one JSON object a line otherwise, on stderr."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

# What these say at INFO is theirs, not the operator's: dlt repeats each schema hint, granian
# each start and stop of a worker.
_QUIET = {"dlt": logging.ERROR, "_granian": logging.ERROR, "sqlglot": logging.ERROR}


def configure_logs(log_format: str = "auto") -> None:
    """Sends structlog and the standard library's logs to stderr, as text or JSON.

    `log_format` is text, json, or auto: text where stderr is a terminal.
    """
    as_text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    renderer: Any = (
        # its default shows local variables, and a token is one
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if as_text
        else structlog.processors.JSONRenderer()
    )
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if not as_text:
        shared.append(structlog.processors.format_exc_info)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
