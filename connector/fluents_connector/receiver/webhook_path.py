"""The path that deliveries come to: a WSGI application in front of the Flask application.

Nothing here needs Flask's contexts, routing or sessions, which take about as long as judging and
storing a delivery does: `python -m tests.benchmarks receive` compares.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from werkzeug.exceptions import MethodNotAllowed
from werkzeug.wrappers import Request, Response

from fluents_connector.buffer import Buffer
from fluents_connector.delivery import Delivery
from fluents_connector.receiver.auth import PATH
from fluents_connector.receiver.group_commit import LATER, Outcome, WsgiApp
from fluents_connector.receiver.metrics import Metrics
from fluents_connector.receiver.responses import Problems, json_answer, problem
from fluents_connector.receiver.webhook import Entrance

# of a delivery that went to the quarantine for this reason; 400 for all others
STATUSES = {"too_large": 413, "unknown_encoding": 415}


class Deliveries:
    """Appends to `buffer` what comes to the webhooks' path, and hands on all other requests."""

    def __init__(
        self,
        others: WsgiApp,
        entrance: Entrance,
        buffer: Buffer,
        metrics: Metrics,
        problems: Problems,
    ) -> None:
        self._others = others
        self._entrance = entrance
        self._buffer = buffer
        self._metrics = metrics
        self._problems = problems

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answers when the delivery is stored, or leaves both to the server (`storing.LATER`)."""
        path = environ["PATH_INFO"]
        token = path[len(PATH) :].removesuffix("/")
        if not path.startswith(PATH) or not token or "/" in token:
            return self._others(environ, start_response)
        try:
            if environ["REQUEST_METHOD"] != "POST":
                raise MethodNotAllowed(valid_methods=["POST"])
            request = Request(environ, populate_request=False)
            delivery = self._entrance.delivery(request, self._entrance.webhook(request, token))
        except Exception as error:
            return self._problems(error)(environ, start_response)
        start = time.perf_counter()

        def finish(outcome: Outcome) -> Iterable[bytes]:
            self._metrics.append_seconds.observe(time.perf_counter() - start)
            return self._answer(delivery, outcome)(environ, start_response)

        if later := environ.get(LATER):
            later(delivery, finish)
            return []
        try:
            outcome: Outcome = self._buffer.append(delivery)
        except Exception as error:
            outcome = error
        return finish(outcome)

    def _answer(self, delivery: Delivery, outcome: Outcome) -> Response:
        if isinstance(outcome, Exception):
            return self._problems(outcome)
        if delivery.reason is not None:
            self._metrics.refusals.labels(delivery.reason).inc()
            detail = f"{delivery.detail} It is in the quarantine as {delivery.event_id}."
            return problem(delivery.reason, detail, STATUSES.get(delivery.reason, 400))
        self._metrics.acknowledged.inc()
        if outcome.duplicate_of is None:
            return json_answer({"status": "stored", "event_id": outcome.event_id})
        return json_answer(
            {
                "status": "duplicate",
                "event_id": outcome.event_id,
                "duplicate_of": outcome.duplicate_of,
            }
        )
