"""Who talks on the simulated account: businesses, each in one language.

It promises several kinds of business, seven languages and three scripts.
"""

from __future__ import annotations

from fluents_connector.simulator.words.appointment import APPOINTMENT
from fluents_connector.simulator.words.arabic import INTERNET
from fluents_connector.simulator.words.debt import DEBT
from fluents_connector.simulator.words.delivery import DELIVERY
from fluents_connector.simulator.words.french import BISTRO
from fluents_connector.simulator.words.german import PARCELS
from fluents_connector.simulator.words.japanese import IZAKAYA
from fluents_connector.simulator.words.parts import Business, Exchange, Language, Outcome, Task
from fluents_connector.simulator.words.portuguese import COLLECTION
from fluents_connector.simulator.words.restaurant import RESTAURANT
from fluents_connector.simulator.words.spanish import CLINIC
from fluents_connector.simulator.words.support import SUPPORT

__all__ = ["BUSINESSES", "Business", "Exchange", "Language", "Outcome", "Task"]

# By the names that `proportions` gives them.
BUSINESSES: dict[str, Business] = {
    "appointment": APPOINTMENT,
    "debt": DEBT,
    "delivery": DELIVERY,
    "restaurant": RESTAURANT,
    "support": SUPPORT,
    "Spanish clinic": CLINIC,
    "German parcels": PARCELS,
    "French bistro": BISTRO,
    "Portuguese collection": COLLECTION,
    "Japanese izakaya": IZAKAYA,
    "Arabic internet": INTERNET,
}
