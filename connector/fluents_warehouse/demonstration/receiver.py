"""`python -m fluents_warehouse.demonstration.receiver FOLDER PARENT`: the receiver of a demo.

Its sender tells it what time it is (`fluents_connector.receiver.told_time`). So it is no command,
and runs for nothing but the settings that a demo wrote, without those of the environment. It ends
with the process that has the pid PARENT, which started it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from fluents_connector.errors import FluentsError, SettingsError
from fluents_connector.logs import configure_logs
from fluents_connector.permissions import OWNER_ONLY
from fluents_connector.process import end_with_parent
from fluents_connector.receiver.server import serve
from fluents_connector.settings import CONFIG_FILE, load_settings
from fluents_warehouse.demonstration.folder import MARK, leave_environment


def main(folder: Path, parent: int) -> None:
    """Receives until SIGTERM or the end of `parent`.

    Raises `SettingsError` where `folder` is not a demo's.
    """
    if not (folder / MARK).is_file():
        raise SettingsError(f"{folder} is not the folder of a demo: run `fluents-warehouse serve`.")
    end_with_parent(parent)
    leave_environment()
    settings = load_settings(folder / CONFIG_FILE)
    configure_logs(settings.log_format)
    serve(settings, time_is_told=True)


if __name__ == "__main__":
    os.umask(OWNER_ONLY)
    try:
        main(Path(sys.argv[1]), int(sys.argv[2]))
    except FluentsError as error:
        sys.exit(f"Error: {error}")
