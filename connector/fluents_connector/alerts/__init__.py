"""What becomes of findings: which are new and which have ended, and the POST that says so."""

from fluents_connector.alerts.posting import Poster
from fluents_connector.alerts.tracking import advance, posted, to_post

__all__ = ["Poster", "advance", "posted", "to_post"]
