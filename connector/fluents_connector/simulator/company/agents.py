"""Who talks for the company: three agents with their own numbers, and the lines that they serve.

All numbers are of ranges that the British regulator keeps for fiction.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import NamedTuple

from fluents_connector.simulator.words.delivery import DELIVERY
from fluents_connector.simulator.words.english import ENGLISH
from fluents_connector.simulator.words.parts import Business
from fluents_connector.simulator.words.sales import SALES
from fluents_connector.simulator.words.support import SUPPORT

TIME_ZONE = "Europe/London"
COST_PER_MINUTE = {"default": 0.09, "outbound": 0.12}

_COMPANY = ("Clearline Internet",)
_STREETS = ("12 Harbour Street", "48 Elm Court", "7 Station Road", "21 Lakeview Drive, Flat 3B")
_CUSTOMERS = tuple(
    f"+44{area}"
    for area in (1134960, 1214960, 1314960, 1414960, 1514960, 1614960, 1914960, 7700900)
)
CUSTOMER_NUMBERS = 1_000 * len(_CUSTOMERS)


class Agent(NamedTuple):
    """A voice agent: what the company calls it, the webhook of its events, its own numbers.

    `reports_messages` is the share of its calls whose messages are reported.
    """

    name: str
    webhook: str
    business: Business
    numbers: tuple[str, ...]
    reports_messages: float


class Hours(Enum):
    """When a line is busy: see `rhythm`."""

    CUSTOMERS = "customers"
    DRIVERS = "drivers"
    CAMPAIGNS = "campaigns"


class Line(NamedTuple):
    """Calls of one agent in one direction; `share` is theirs of all calls."""

    agent: Agent
    is_outgoing: bool
    hours: Hours
    share: float


def _of_the_company(business: Business, agent: str) -> Business:
    language = replace(
        ENGLISH, phone=("+442079460", 3), money="£{}.{:02}", agents=(agent,), streets=_STREETS
    )
    return replace(business, language=language, companies=_COMPANY)


_SUPPORT = Agent(
    "Support",
    "service",
    _of_the_company(SUPPORT, "Mia"),
    ("+442079460100", "+441614960100"),
    reports_messages=0.0,
)
_DELIVERIES = Agent(
    "Deliveries",
    "service",
    replace(_of_the_company(DELIVERY, "Theo"), items=("router", "set-top box", "phone")),
    ("+442079460120",),
    reports_messages=0.25,
)
_SALES = Agent(
    "Sales",
    "sales",
    _of_the_company(SALES, "Ava"),
    ("+442079460140", "+442079460141"),
    reports_messages=0.0,
)
AGENTS = (_SUPPORT, _DELIVERIES, _SALES)

LINES = (
    Line(_SUPPORT, False, Hours.CUSTOMERS, 0.33),
    Line(_DELIVERIES, False, Hours.CUSTOMERS, 0.08),
    Line(_DELIVERIES, True, Hours.DRIVERS, 0.09),
    Line(_SALES, False, Hours.CUSTOMERS, 0.04),
    Line(_SALES, True, Hours.CAMPAIGNS, 0.46),
)


def customer_number(index: int) -> str:
    """The telephone number of a customer."""
    index %= CUSTOMER_NUMBERS
    return f"{_CUSTOMERS[index % len(_CUSTOMERS)]}{index // len(_CUSTOMERS):03}"
