"""Conversations that the sender's ancestor made give the figures that were drawn, in every form."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ancestor.figures import Figure, figures
from tests.ancestor.forms import FAKE_SECRET, FORMS, bodies, read
from tests.ancestor.loading import load_all
from tests.processes import Receiver

CALLS = read()
POSTED = 2  # calls that go over HTTP: a sync each


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Figure]:
    return list(figures(load_all(tmp_path_factory.mktemp("ancestor"), CALLS), CALLS))


@pytest.mark.parametrize("form", FORMS)
def test_the_figures_are_those_that_were_drawn(found: list[Figure], form: str) -> None:
    of_form = [figure for figure in found if figure.form == form]
    assert len(of_form) > 300

    wrong = [str(figure) for figure in of_form if not figure.is_right]

    right = len(of_form) - len(wrong)
    assert not wrong, "\n".join([f"{right} of {len(of_form)} are right", *wrong])


@pytest.mark.attack
def test_figures_of_calls_over_http_and_no_file_has_the_secret(
    receiver: Receiver, command: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    posted = [call for call in CALLS if FAKE_SECRET in json.dumps(call)][:POSTED]
    for call in posted:
        for form in FORMS:
            for body in bodies(call, form):
                assert receiver.post(body).json()["status"] == "stored"

    assert command("load").returncode == 0

    of_posted = list(figures(tmp_path / "fluents_warehouse.duckdb", posted))
    assert len(of_posted) > 100 * POSTED
    assert not [str(figure) for figure in of_posted if not figure.is_right]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if FAKE_SECRET.encode() in path.read_bytes()] == []
