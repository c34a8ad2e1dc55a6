"""What people may set: in `fluents.toml`, in the environment, and how each value is checked."""

from fluents_connector.settings.checks import WEBHOOK_PATH
from fluents_connector.settings.loading import (
    CONFIG_FILE,
    WARNED,
    load_settings,
    webhooks_are_in_the_environment,
)
from fluents_connector.settings.model import Settings

__all__ = [
    "CONFIG_FILE",
    "WARNED",
    "WEBHOOK_PATH",
    "Settings",
    "load_settings",
    "webhooks_are_in_the_environment",
]
