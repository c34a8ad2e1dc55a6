"""Receiver, loader and commands with a buffer in Postgres, in processes of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.deliveries import body
from tests.postgres import Server, program, running
from tests.processes import Receiver, run_command

PASSWORD = "tests-only-password"  # noqa: S105 # opens nothing but tests


@pytest.fixture
def schema() -> str:
    return f"buffer_{uuid.uuid4().hex}"


@pytest.fixture
def receiver(tmp_path: Path, postgres_server: Server, schema: str) -> Iterator[Receiver]:
    settings = {
        "buffer_url": postgres_server.url().replace("owner@", f"owner:{PASSWORD}@"),
        "buffer_schema": schema,
        "log_format": "json",
    }
    with Receiver(tmp_path, **settings) as running:
        yield running


def event(number: int) -> bytes:
    return body("event_error", number, call_id=f"call-{number}")


@pytest.mark.attack
def test_what_is_received_is_loaded_and_no_output_has_the_password(
    receiver: Receiver, tmp_path: Path, postgres_server: Server, schema: str
) -> None:
    for number in range(20):
        assert receiver.post(event(number)).json()["status"] == "stored"
    assert receiver.post(event(0)).json()["status"] == "duplicate"
    assert receiver.post(b"bad").status_code == 400
    shown = [receiver.session.get(f"{receiver.base}/metrics", timeout=30).text]
    assert "fluents_buffer_replicas 0.0" in shown[0]
    loaded = run_command(tmp_path, "load")
    assert loaded.returncode == 0, loaded.stderr
    with duckdb.connect(tmp_path / "fluents_warehouse.duckdb", read_only=True) as connection:
        found = connection.execute("select count(*), count(duplicate_of) from fluents.events")
        assert found.fetchone() == (21, 1)
    state = run_command(tmp_path, "status", "--json")
    said = json.loads(state.stdout)
    counted = [said[name] for name in ("received", "loaded", "duplicates", "quarantined")]
    assert counted == [22, 20, 1, 1]
    assert said["buffer"]["replicas"] == 0
    assert "synchronous_commit = on" in said["buffer"]["durability"]
    checked = run_command(tmp_path, "buffer", "check")
    assert checked.returncode == 0, checked.stdout
    refused = [
        run_command(tmp_path, "buffer", "backup", "file"),
        run_command(tmp_path, "buffer", "recover", "--from", "fluents.toml"),
        run_command(tmp_path, "buffer", "restore", "fluents.toml"),
    ]
    assert [ended.returncode for ended in refused] == [1, 1, 1]
    assert f"pg_dump --format=custom --schema={schema}" in refused[0].stderr
    for ended in (loaded, state, run_command(tmp_path, "status"), checked, *refused):
        shown += [ended.stdout, ended.stderr]
        assert "Traceback" not in ended.stderr
    log = receiver.log.read_text()
    assert '"durability": "Postgres, fsync = on' in log
    assert PASSWORD not in "".join([*shown, log])


@pytest.mark.attack
def test_a_dump_brings_back_a_buffer_and_the_next_load_loads_what_it_must(
    receiver: Receiver, tmp_path: Path, postgres_server: Server, schema: str
) -> None:
    dump, url = tmp_path / "dump", postgres_server.url()
    for number in range(5):
        receiver.post(event(number))
    dumped = ["pg_dump", "--format=custom", f"--schema={schema}", f"--file={dump}", url]
    subprocess.run([program(dumped[0]), *dumped[1:]], check=True)
    for number in range(5, 10):
        receiver.post(event(number))
    assert run_command(tmp_path, "load").returncode == 0
    receiver.stop()
    with postgres_server.connect() as connection:
        connection.execute(f"alter schema {schema} rename to {schema}_replaced")
    subprocess.run([program("pg_restore"), f"--dbname={url}", dump], check=True)
    receiver.start()
    for number in range(10, 17):
        assert receiver.post(event(number)).json()["status"] == "stored"
    assert run_command(tmp_path, "load").returncode == 0
    with duckdb.connect(tmp_path / "fluents_warehouse.duckdb", read_only=True) as connection:
        calls = connection.execute("select call_id, count(*) from fluents.events group by all")
        assert dict(calls.fetchall()) == {f"call-{number}": 1 for number in range(17)}


@pytest.mark.attack
def test_a_receiver_answers_503_while_its_server_is_gone_and_goes_on_after(
    tmp_path: Path, private_server: Server
) -> None:
    settings = {"buffer_url": private_server.url(), "request_seconds": 0.5, "workers": 1}
    with Receiver(tmp_path, **settings) as receiver:
        assert receiver.post(event(1)).status_code == 200
        private_server.stop(signal.SIGQUIT)
        answer = receiver.post(event(2))
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers
        state = run_command(tmp_path, "status")
        assert state.returncode == 1
        assert "Look at buffer_url" in state.stderr
        private_server.start()
        assert receiver.post(event(2)).json()["status"] == "stored"
        assert receiver.session.get(f"{receiver.base}/readyz", timeout=30).status_code == 200


@pytest.fixture
def private_server() -> Iterator[Server]:
    with running() as server:
        yield server
