"""What loaders, receivers and the command line know of each other: reports, replays, findings."""

from fluents_connector.loader_state.files import FileLoaderState
from fluents_connector.loader_state.protocol import (
    AlertFinding,
    AlertRecord,
    LoaderState,
    LoadReport,
    OpenFinding,
    PublishReport,
    ReplayAnswer,
    ReplayRequest,
    Severity,
)
from fluents_connector.settings import Settings

__all__ = [
    "AlertFinding",
    "AlertRecord",
    "FileLoaderState",
    "LoadReport",
    "LoaderState",
    "OpenFinding",
    "PublishReport",
    "ReplayAnswer",
    "ReplayRequest",
    "Severity",
    "loader_state",
]


def loader_state(settings: Settings) -> LoaderState:
    """The state of the loader that the settings name. The one place that chooses where it is."""
    return FileLoaderState(settings.data_dir)
