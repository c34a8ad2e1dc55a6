"""No secret in a payload is in any file once it was received, refused, retried and loaded."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.deliveries import body
from tests.processes import Receiver

SECRET = "s3cr3t-VALUE"  # noqa: S105 # what the test looks for


def test_no_file_holds_a_secret_and_what_was_replaced_is_counted(
    receiver: Receiver, command: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    config = {"action_config": {"signature_secret": SECRET, "name": "book"}}
    event = body("event_error", {"message": json.dumps(config), "api_key": SECRET})
    assert receiver.post(event).json()["status"] == "stored"
    assert receiver.post(event).json()["status"] == "duplicate"
    other = event.replace(b'"api_key": "s', b'"api_key": "x-s')
    assert receiver.post(other).json()["status"] == "stored"
    refused = receiver.post(event[:-1])
    assert (refused.status_code, SECRET in refused.text) == (400, False)
    repaired = tmp_path / "repaired.json"
    repaired.write_bytes(event.replace(b"book", b"look"))
    delivery_id = refused.json()["detail"].split()[-1].rstrip(".")
    retried = command("quarantine", "retry", delivery_id, "--body", "repaired.json")
    assert retried.returncode == 0, retried.stderr
    repaired.unlink()
    assert command("load").returncode == 0
    assert command("buffer", "check").returncode == 0
    found = command("query", "select sum(redacted_count) from fluents.events", "--format", "csv")
    assert found.stdout.split()[1] == "8"
    assert json.loads(command("status", "--json").stdout)["redacted"] == 8
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
