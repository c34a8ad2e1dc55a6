"""What the analysis after a call of the company finds: the same fields in each result.

It promises `outcome` and `summary` in each, and otherwise `topic` (text), `satisfaction` (1 to 10),
`sentiment`, `follow_up_needed`, `tags` (a list), and `sold` (true or false) of calls of Sales.
"""

from __future__ import annotations

import json
from random import Random
from typing import NamedTuple

from fluents_connector.simulator.payloads import Payload, pick
from fluents_connector.simulator.proportions import mix
from fluents_connector.simulator.results import outcome_of
from fluents_connector.simulator.talk import Conversation

# Nearly always JSON in text, as a prompt asks for it; models keep to it only nearly.
_FORM_MIX = mix({"json text": 0.76, "object": 0.14, "fenced": 0.06, "prose": 0.04})
_TOPICS = {
    "support": mix({"no connection": 0.34, "slow line": 0.26, "bill": 0.22, "new device": 0.18}),
    "delivery_problem": mix({"not at home": 0.5, "damaged": 0.2, "late": 0.3}),
    "sales": mix({"full fibre": 0.55, "mobile bundle": 0.3, "TV": 0.15}),
}
_TAGS = ("call back", "complaint", "competitor", "long-time customer", "moving house", "price")
_SOLD = (0.11, 0.13)  # the share on the first day, and how much it gains until the last
_SATISFACTION = {"support": 6.9, "delivery_problem": 6.2, "sales": 7.4}
_GAIN = 0.8  # of satisfaction over the month
_LOSS = 3.2  # of satisfaction while something is broken


class Situation(NamedTuple):
    """How much of the month is over, from 0 to 1, and whether something is broken."""

    progress: float
    in_incident: bool

    def analyse(self, rng: Random, said: Conversation) -> Payload:
        """The payload of the analysis of what was said."""
        found = self._findings(rng, said)
        form = pick(rng, _FORM_MIX)
        if form == "prose":
            return {"post_call_results": found["summary"]}
        if form == "object":
            return {"post_call_results": found}
        text = json.dumps(found, ensure_ascii=False)
        return {"post_call_results": f"```json\n{text}\n```" if form == "fenced" else text}

    def _findings(self, rng: Random, said: Conversation) -> dict[str, object]:
        kind = said.business.kind
        is_sold = kind == "sales" and rng.random() < _SOLD[0] + _SOLD[1] * self.progress
        names = [outcome.name for outcome in said.business.outcomes]
        if kind == "sales":
            names = ["sold"] if is_sold else names[1:]
        outcome, summary = outcome_of(rng, said, names)
        found: dict[str, object] = {"outcome": outcome, "summary": summary}
        if outcome == "voicemail":
            return found
        if kind == "sales":
            found["sold"] = outcome == "sold"
        is_outage = self.in_incident and kind == "support" and rng.random() < 0.8
        satisfaction = rng.gauss(_SATISFACTION[kind] + _GAIN * self.progress, 1.6)
        satisfaction -= _LOSS * self.in_incident - 1.2 * is_sold
        score = min(max(1, round(satisfaction)), 10)
        found |= {
            "topic": "outage" if is_outage else pick(rng, _TOPICS[kind]),
            "satisfaction": score,
            "sentiment": "positive" if score > 7 else "neutral" if score > 4 else "negative",
            "follow_up_needed": rng.random() < (0.5 if score < 5 else 0.15),
            "tags": rng.sample(_TAGS, rng.randrange(3)),
        }
        return found
