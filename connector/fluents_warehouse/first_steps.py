"""What a newcomer has to do until the first event is in the warehouse, and what is done of it.

It is data, which `status` prints and the dashboard may show: no secret is in it, so the URL that
Fluents needs is left to `init`.
"""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass

from fluents_connector.addresses import reached_at
from fluents_connector.buffer import Counts
from fluents_connector.settings import Settings

ANSWER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: a title of a few words, whether it is done, and a sentence that says how.

    `command` is what to run for it, without `fluents-warehouse`; None where it is done elsewhere.
    """

    title: str
    is_done: bool
    how: str
    command: str | None = None


def first_steps(
    settings: Settings, counts: Counts, *, listens: bool | None, not_let_in: int
) -> list[Step]:
    """The steps in their order; none once an event is loaded.

    `not_let_in` counts requests without a right token. `listens` is None where that is not known.
    """
    if counts.loaded:
        return []
    has_come = counts.received > 0
    return [
        Step(
            "The settings have a webhook with a token",
            bool(settings.webhooks),
            "`init` writes settings that have one.",
            "init",
        ),
        Step(
            "The receiver runs",
            listens is not False,
            "`run` receives and loads: leave it running.",
            "run",
        ),
        Step(
            "Fluents can reach the receiver",
            bool(has_come or not_let_in or settings.public_url),
            "Fluents needs an HTTPS address: put a proxy with TLS in front of the receiver and set "
            "public_url.",
        ),
        Step("Fluents knows the URL", has_come, _set_up(not_let_in), "init"),
        Step("The first delivery has come", has_come, _first_delivery(listens, not_let_in)),
        _loaded(counts),
    ]


def receiver_listens(settings: Settings) -> bool | None:
    """Whether our receiver answers on this machine, at the address of the settings.

    None where it does not, and the buffer is one that receivers of other machines share.
    """
    host = reached_at(settings.host)
    connection: http.client.HTTPConnection
    if settings.tls_certificate:
        context = ssl._create_unverified_context()  # noqa: S323 # it asks itself
        connection = http.client.HTTPSConnection(
            host, settings.port, timeout=ANSWER_SECONDS, context=context
        )
    else:
        connection = http.client.HTTPConnection(host, settings.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/healthz")
        answers = b'"alive"' in connection.getresponse().read(1024)
    except (OSError, http.client.HTTPException):
        answers = False
    finally:
        connection.close()
    return answers or (None if settings.buffer_scheme == "postgresql" else False)


def _set_up(not_let_in: int) -> str:
    if not_let_in:
        noun = "request was" if not_let_in == 1 else "requests were"
        return (
            f"{not_let_in:,} {noun} not let in, for the reason below. Compare the URL in Fluents "
            "with the one that `init` prints."
        )
    return (
        "In Fluents open Webhooks, Create Webhook, paste the URL that `init` prints, and tick the "
        "subscriptions."
    )


def _first_delivery(listens: bool | None, not_let_in: int) -> str:
    if listens is False:
        return "Nothing can come before the receiver runs."
    if not_let_in:
        return "It waits for the first delivery that it can let in."
    return "It waits for the first delivery: make a call with your agent."


def _loaded(counts: Counts) -> Step:
    title = "The first event is in the warehouse"
    if not counts.received:
        return Step(title, False, "`run` loads what comes within a second.")
    if counts.received == counts.quarantined:
        how = "All that came so far was no event: it is in the quarantine, with the reason."
        return Step(title, False, how, "quarantine list")
    return Step(
        title, False, "`run` loads what comes within a second, `load` does it once.", "load"
    )
