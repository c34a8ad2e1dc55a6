"""The folder of a demo: made by it, and only then deleted by the next one; its settings."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fluents_connector.errors import FluentsError, SettingsError
from fluents_connector.locking import only_one
from fluents_connector.settings import CONFIG_FILE
from fluents_connector.settings.environment import PREFIX
from fluents_connector.simulator.company import AGENTS, COST_PER_MINUTE, TIME_ZONE
from fluents_warehouse.commands.init import write_privately

MARK = ".made-by-demo"  # a file; only a folder that holds it is ever deleted
LOCK = ".demo.lock"  # held while a demo runs in the folder

_SETTINGS = """\
# Settings of a demo: its calls, numbers and names are made up. It holds secrets all the same.
host = "127.0.0.1"
port = {port}
workers = 1               # the demo's sender keeps no more busy
time_zone = "{time_zone}"
buffer_keep_days = 60     # the month is posted at once, and none of it is old by then

[webhooks]
{webhooks}

# An agent's own numbers; the label of a webhook, for what comes on no number of these
[agents]
{agents}

# In pounds
[cost_per_minute]
{costs}

[post_call_columns]
sold = "boolean"
satisfaction = "number"
topic = "text"
"""


@contextmanager
def fresh_folder(folder: Path) -> Iterator[Path]:
    """The path of the settings of a new demo in `folder`, which is this one's while the block runs.

    What an earlier demo left there is deleted. Raises `SettingsError` for a folder that is not a
    demo's, and `FluentsError` while another demo runs in it.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise SettingsError(
            f"{folder} is not empty and not from a demo. Name another with --folder."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"{folder} cannot be made: {error.strerror}. Name another with --folder."
        ) from error
    running = FluentsError(f"A demo is running in {folder}. End it, or name another with --folder.")
    with only_one(folder / LOCK, running):
        (folder / MARK).touch()
        for path in folder.iterdir():
            if path.name in (MARK, LOCK):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        write_privately(folder / CONFIG_FILE, _settings())
        yield folder / CONFIG_FILE


def leave_environment() -> list[str]:
    """Takes our variables out of this process's environment; returns their names.

    They are of a real deployment, whose buffer and warehouse must get no simulated call.
    """
    names = [name for name in os.environ if name.upper().startswith(PREFIX)]
    for name in names:
        del os.environ[name]
    return names


def _settings() -> str:
    labels = dict.fromkeys(agent.webhook for agent in AGENTS)
    # a webhook that has a single agent names it, whatever the number
    single = {
        label: agents[0]
        for label in labels
        if len(agents := [agent for agent in AGENTS if agent.webhook == label]) == 1
    }
    named = {
        **{label: agent.name for label, agent in single.items()},
        **{
            f'"{number}"': agent.name
            for agent in AGENTS
            if agent.webhook not in single
            for number in agent.numbers
        },
    }
    return _SETTINGS.format(
        port=_free_port(),
        time_zone=TIME_ZONE,
        webhooks="\n".join(f'{label} = "{secrets.token_urlsafe(32)}"' for label in labels),
        agents="\n".join(f'{key} = "{name}"' for key, name in named.items()),
        costs="\n".join(f"{key} = {price}" for key, price in COST_PER_MINUTE.items()),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
