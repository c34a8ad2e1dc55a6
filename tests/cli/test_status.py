"""In the first minutes `status` says what is done, what to do next, what was refused and why."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluents_connector.buffer import Counts
from fluents_connector.settings import Settings, load_settings
from fluents_warehouse.commands.status import collect
from fluents_warehouse.first_steps import Step, first_steps, receiver_listens
from fluents_warehouse.status_text import show
from tests.certificates import make_certificate
from tests.deliveries import TOKEN, body
from tests.processes import START_SECONDS, Receiver, free_port, run_command, write_settings

Printed = pytest.CaptureFixture[str]
NOTHING = Counts(0, 0, 0, 0, 0, None, 0, 0)


def state_of(folder: Path) -> dict[str, Any]:
    return collect(load_settings(folder / "fluents.toml"))


def undone(state: dict[str, Any]) -> list[str]:
    return [step["title"] for step in state["first_steps"] if not step["is_done"]]


def until(folder: Path, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + START_SECONDS
    while not holds(state := state_of(folder)):
        assert time.monotonic() < deadline, state
        time.sleep(0.1)
    return state


def test_after_init_it_says_what_to_do_and_holds_no_secret(tmp_path: Path) -> None:
    assert run_command(tmp_path, "init", "--port", str(free_port())).returncode == 0
    (token,) = load_settings(tmp_path / "fluents.toml").webhooks["main"]
    printed = run_command(tmp_path, "status").stdout
    steps = printed[: printed.index("received")]
    assert "  [x] The settings have a webhook with a token" in steps
    assert "  [ ] The receiver runs" in steps
    assert "Run: fluents-warehouse run" in steps
    assert "In Fluents open Webhooks, Create Webhook" in steps
    assert token.get_secret_value() not in printed
    state = json.loads(run_command(tmp_path, "status", "--json").stdout)
    assert len(undone(state)) == 5
    assert state["receiver"]["listens"] is False
    assert state["first_steps"][1]["command"] == "run"


def test_it_follows_the_first_delivery_from_a_wrong_token_to_the_warehouse(
    receiver: Receiver, capsys: Printed
) -> None:
    folder = receiver.folder
    state = state_of(folder)
    assert state["receiver"] == {"address": receiver.base, "listens": True}
    assert undone(state)[0] == "Fluents can reach the receiver"
    show(state)
    assert "It waits for the first delivery: make a call" in capsys.readouterr().out

    wrong = receiver.url.replace(TOKEN, "w" * 30)
    assert receiver.session.post(wrong, data=body("event_error", 1), timeout=30).status_code == 404
    state = until(folder, lambda state: bool(state["refused_requests"]))
    assert "`init` prints the right one" in state["refused_requests"]["wrong_token"]["advice"]
    assert undone(state)[0] == "Fluents knows the URL"
    show(state)
    assert "1 request was not let in, for the reason below." in capsys.readouterr().out

    receiver.post(b'{"type":"event_error"}')
    state = state_of(folder)
    (refused,) = state["newest_quarantined"]
    assert (refused["reason"], refused["detail"]) == ("call_id_missing", "The body has no call_id.")
    assert undone(state) == ["The first event is in the warehouse"]
    assert state["first_steps"][-1]["command"] == "quarantine list"
    show(state)
    assert "call_id_missing: The body has no call_id." in capsys.readouterr().out

    receiver.post(body("event_error", 1))
    assert state_of(folder)["first_steps"][-1]["command"] == "load"
    assert run_command(folder, "load").returncode == 0
    state = state_of(folder)
    assert state["first_steps"] == []
    show(state)
    assert capsys.readouterr().out.startswith("received")


def test_a_receiver_that_is_not_asked_by_its_own_address_is_found_all_the_same(
    tmp_path: Path,
) -> None:
    files = make_certificate(tmp_path)
    with Receiver(tmp_path, tls_certificate=files[0], tls_key=files[1]) as receiver:
        settings = load_settings(receiver.folder / "fluents.toml")
        assert receiver_listens(settings)
        assert receiver_listens(settings.model_copy(update={"host": "0.0.0.0"}))  # noqa: S104


def test_another_program_at_the_address_is_no_receiver(tmp_path: Path, receiver: Receiver) -> None:
    # a receiver with TLS does not answer without it
    settings = load_settings(write_settings(tmp_path, port=receiver.port))
    tls = settings.model_copy(update={"tls_certificate": tmp_path, "tls_key": tmp_path})
    assert receiver_listens(settings) is True
    assert receiver_listens(tls) is False
    shared = tls.model_copy(update={"buffer_url": "postgresql://host/database"})
    assert receiver_listens(shared) is None


def steps(counts: Counts = NOTHING, **changes: Any) -> list[Step]:
    values = {"webhooks": {"main": [TOKEN]}} | changes
    return first_steps(Settings(**values), counts, listens=None, not_let_in=0)


def test_steps_need_nothing_but_what_is_known() -> None:
    assert [step.is_done for step in steps(webhooks={})] == [False, True, *[False] * 4]
    assert steps(public_url="https://calls.example.com")[2].is_done
    assert not steps()[2].is_done
    assert steps(Counts(5, 1, 0, 0, 4, 1, 5, 1)) == []
