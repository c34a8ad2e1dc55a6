"""Settings: read from `fluents.toml` and the environment, and checked once."""

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
