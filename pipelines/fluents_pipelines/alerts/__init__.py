"""The alerts: SQL files whose rows are findings, run on the published warehouse."""

from fluents_pipelines.alerts.files import Alert, check_limits
from fluents_pipelines.alerts.looking import Look, look

__all__ = ["Alert", "Look", "check_limits", "look"]
