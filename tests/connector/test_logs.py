"""Logs are lines for people or JSON for machines, and hold no secret."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deliveries import TOKEN
from tests.processes import environment

# In a process of its own, as logs are configured once for a whole process.
UNEXPECTED = """
import sys
from pathlib import Path
from fluents_connector.buffer import SqliteBuffer
from fluents_connector.logs import configure_logs
from fluents_connector.receiver.app import create_app
from fluents_connector.settings import Settings
log_format, token, folder = sys.argv[1:]
if log_format:
    configure_logs(log_format)
buffer = SqliteBuffer(Path(folder) / "buffer.sqlite")
app = create_app(Settings(webhooks={"main": token}), buffer, random_bits=lambda bits: bits // 0)
response = app.test_client().post(f"/fluents/webhook/{token}", data=b"{}")
assert buffer.counts().received == 0
print(response.status_code, response.get_data(as_text=True))
"""


@pytest.mark.parametrize("log_format", ["text", "json", ""], ids=["text", "json", "not configured"])
def test_an_unexpected_error_is_logged_without_the_token(log_format: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", UNEXPECTED, log_format, TOKEN, tmp_path],
        capture_output=True,
        text=True,
        env=environment(COLUMNS="200"),
        check=True,
    )
    logged, _, answer = ended.stdout.rpartition("500 ")
    assert json.loads(answer)["error"] == "internal_error"
    log = ended.stderr + logged  # structlog itself writes to stdout
    assert "unexpected_error" in log
    assert "ZeroDivisionError" in log  # the cause is there
    assert TOKEN not in ended.stderr + ended.stdout


STOPPED = """
import sys
from pathlib import Path
from fluents_connector.errors import LoadFailed
from fluents_connector.loader_state import loader_state
from fluents_connector.settings import Settings
from fluents_pipelines.reporting import reported
conversation, token, folder = sys.argv[1:]
settings = Settings(data_dir=Path(folder), webhooks={"main": token})
try:
    with reported(loader_state(settings), 0):
        body = conversation
        raise ValueError("the cause")
except LoadFailed:
    print("failed")
"""


def test_a_load_that_stops_logs_no_conversation_where_nobody_configured_logs(
    tmp_path: Path,
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", STOPPED, "somebody's words", TOKEN, tmp_path],
        capture_output=True,
        text=True,
        env=environment(COLUMNS="200"),
        check=True,
    )
    assert "load_stopped" in ended.stdout
    assert "ValueError: the cause" in ended.stdout
    assert ended.stdout.endswith("failed\n")
    assert "somebody's words" not in ended.stdout + ended.stderr


LINES = """
import logging, sys
import structlog
from fluents_connector.logs import configure_logs
configure_logs(sys.argv[1])
structlog.get_logger("ours").info("stored", count=2)
logging.getLogger("theirs").warning("odd %s", "thing")
logging.getLogger("dlt").warning("repeated")
"""


@pytest.mark.parametrize("log_format", ["auto", "json"])
def test_logs_that_no_terminal_shows_are_one_json_object_a_line(log_format: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LINES, log_format], capture_output=True, text=True, check=True
    )
    ours, theirs = [json.loads(line) for line in ended.stderr.splitlines()]
    assert (ours["event"], ours["level"], ours["count"]) == ("stored", "info", 2)
    assert (theirs["event"], theirs["level"]) == ("odd thing", "warning")
    assert ours["timestamp"].endswith("Z")
    assert ended.stdout == ""
