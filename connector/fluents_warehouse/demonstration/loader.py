"""`python -m fluents_warehouse.demonstration.loader FOLDER PARENT`: the loader of a live demo.

It is `load --every 1s`, and ends with the process that has the pid PARENT, which started it. That
one has threads by then, so nothing may be done for it between fork and exec.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fluents_connector.process import end_with_parent
from fluents_connector.settings import CONFIG_FILE
from fluents_warehouse.__main__ import main
from fluents_warehouse.demonstration.folder import leave_environment

if __name__ == "__main__":
    _, folder, parent = sys.argv
    end_with_parent(int(parent))
    leave_environment()
    config = Path(folder) / CONFIG_FILE
    sys.argv = ["fluents-warehouse", "load", "--every", "1s", "--config", str(config)]
    main()
