"""The receiver of the demo: it takes the time of receipt from the sender.

So a month of simulated calls can be posted in seconds. Nothing but the demo starts it: no setting,
no variable of the environment and no option of `serve` does, as a sender that says when its events
came could make them any age.
"""

from __future__ import annotations

from fluents_connector.receiver.webhook import Request, Webhooks

TIME_HEADER = "X-Demo-Time"  # microseconds since 1970 (UTC), as digits


class ToldTimeWebhooks(Webhooks):
    """Webhooks whose deliveries were received when their sender says, but never in the future."""

    def _received_at(self, request: Request) -> int:
        """What the sender says; now, where it says nothing, no time or one that is to come."""
        now = super()._received_at(request)
        told = request.header(TIME_HEADER) or ""
        if not (told.isascii() and told.isdigit() and len(told) <= len(str(now))):
            return now
        return min(int(told), now)
