"""Logs on stderr: text on a terminal, otherwise one JSON object on each line."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import structlog

# At INFO these log what no operator needs: dlt each schema hint, granian each start and stop of a
# worker.
_QUIET = {"dlt": logging.ERROR, "_granian": logging.ERROR, "sqlglot": logging.ERROR}


def configure_logs(log_format: str = "auto") -> None:
    """Writes the logs of structlog and of the standard library to stderr.

    `log_format` is `text`, `json`, or `auto`: text if stderr is a terminal.
    """
    as_text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    renderer: Any = (
        # see `traceback_of`
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


def traceback_of(error: BaseException) -> str:
    """The traceback to log as `exception`, in place of `exc_info`.

    Where nobody has configured structlog, as in a scheduler or under another WSGI server, it would
    show local variables beside it: conversations, and tokens.
    """
    return "".join(traceback.format_exception(error)).rstrip()
