"""What loaders, receivers and the command line know of each other: reports, replays, who loads."""

from fluents_connector.loader_state.files import FileLoaderState
from fluents_connector.loader_state.protocol import (
    LoaderState,
    LoadReport,
    PublishReport,
    ReplayAnswer,
    ReplayRequest,
)
from fluents_connector.settings import Settings

__all__ = [
    "FileLoaderState",
    "LoadReport",
    "LoaderState",
    "PublishReport",
    "ReplayAnswer",
    "ReplayRequest",
    "loader_state",
]


def loader_state(settings: Settings) -> LoaderState:
    """The state of the loader that the settings name. The one place that chooses where it is."""
    return FileLoaderState(settings.data_dir)
