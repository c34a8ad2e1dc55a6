"""A month of a company whose three voice agents talk to its customers: what the demo shows.

It promises that the same seed and end give the same deliveries at the same times; that nothing
happens after the end; and that the month has the rhythm of days and weeks. How often each thing
happens in a call is in `proportions`; what is of this company alone is in the modules beside this.
"""

from __future__ import annotations

from fluents_connector.simulator.company.agents import AGENTS, COST_PER_MINUTE, TIME_ZONE
from fluents_connector.simulator.company.month import Company, TimedDelivery
from fluents_connector.simulator.company.rhythm import DAYS

__all__ = ["AGENTS", "COST_PER_MINUTE", "DAYS", "TIME_ZONE", "Company", "TimedDelivery"]
