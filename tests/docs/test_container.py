"""The container file of docs/deployment.md: its variables are settings, its command is one."""

from __future__ import annotations

import json
import os
import re

import pytest

from fluents_connector.settings import load_settings
from fluents_warehouse.cli import cli
from tests.deliveries import TOKEN
from tests.docs.pages import fenced, page

(FILE,) = fenced(page("docs/deployment.md"), "dockerfile")


def test_its_variables_and_a_token_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("FLUENTS_")]:
        monkeypatch.delenv(name)
    variables = dict(re.findall(r"^ENV (FLUENTS_\w+)=(\S+)$", FILE, re.MULTILINE))
    assert len(variables) == FILE.count("ENV ")
    for name, value in {**variables, "FLUENTS_WEBHOOKS__MAIN": TOKEN}.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    folder = re.findall(r"^VOLUME (\S+)$", FILE, re.MULTILINE)[0]
    assert settings.host == "0.0.0.0"  # noqa: S104 # as a container must
    assert f"EXPOSE {settings.port}\n" in FILE
    for path in (settings.buffer_file, settings.data_dir, settings.warehouse_path):
        assert path.is_relative_to(folder)


def test_its_command_is_one() -> None:
    (command,) = re.findall(r"^CMD (\[.*\])$", FILE, re.MULTILINE)
    program, name = json.loads(command)
    assert program == "fluents-warehouse"
    assert name in cli.commands
