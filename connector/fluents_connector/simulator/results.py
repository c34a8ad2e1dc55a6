"""What the analysis after a call says: prose, or JSON in one of the ways that models write it.

It promises text where the form is text, so that a reader has to look for the JSON in it.
"""

from __future__ import annotations

import json
from collections.abc import Container
from random import Random

from fluents_connector.simulator import proportions
from fluents_connector.simulator.talk import Conversation

_SENTIMENTS = ("positive", "neutral", "negative", "mixed")
_REMARKS = (
    "The caller was friendly. 🙂",
    "The caller spoke over the agent several times.",
    "There was a lot of background noise.",
    "No further action is needed.",
    "Someone should call back within one working day.",
)
_VOICEMAIL = ("Reached {name}'s voicemail.", "No answer; an answering machine picked up.")
_HUNG_UP = ("{name} hung up right away.", "The call ended before anything was discussed.")
# A greeting, a first answer and a question: too little for the analysis to find an outcome.
_TOO_SHORT = 4
_INTRODUCTIONS = ("", "", "Here is the analysis you asked for:\n\n")


def analyse(rng: Random, conversation: Conversation, form: str) -> object:
    """The result for one call, in a form of `RESULT_MIX`."""
    if form == "prose":
        return _prose(rng, conversation)
    found = _findings(rng, conversation)
    if form == "object":
        return found
    if form == "list":
        return [found["summary"], found["outcome"], *_some_remarks(rng)]
    if form == "json text":
        return json.dumps(found, ensure_ascii=rng.random() < proportions.ESCAPED_TEXT)
    fence = json.dumps(found, ensure_ascii=False, indent=2)
    return f"{rng.choice(_INTRODUCTIONS)}```json\n{fence}\n```"


def _prose(rng: Random, conversation: Conversation) -> str:
    _, summary = outcome_of(rng, conversation)
    return " ".join([summary, *_some_remarks(rng)])


def outcome_of(
    rng: Random, conversation: Conversation, names: Container[str] | None = None
) -> tuple[str, str]:
    """How a call went: a word, and a sentence about it.

    One of the business's outcomes, of those with `names` if they are given, unless too little was
    said.
    """
    if conversation.ending == "human_unanswered":
        return "voicemail", rng.choice(_VOICEMAIL).format_map(conversation.facts)
    if len(conversation.turns) < _TOO_SHORT:
        return "hung_up", rng.choice(_HUNG_UP).format_map(conversation.facts)
    outcomes = conversation.business.outcomes
    if names is not None:
        outcomes = tuple(outcome for outcome in outcomes if outcome.name in names)
    name, summary = rng.choice(outcomes)
    return name, summary.format_map(conversation.facts)


def _some_remarks(rng: Random) -> list[str]:
    return rng.sample(_REMARKS, rng.randrange(3))


def _findings(rng: Random, conversation: Conversation) -> dict[str, object]:
    facts, business = conversation.facts, conversation.business
    outcome, summary = outcome_of(rng, conversation)
    found: dict[str, object] = {
        "outcome": outcome,
        "sentiment": rng.choice(_SENTIMENTS),
        "summary": summary,
        "follow_up_needed": rng.random() < 0.3,
        "satisfaction": rng.choice((None, *range(1, 11))),
        "ended_by": conversation.ending,
    }
    if rng.random() < 0.6:
        found["details"] = {
            "customer": facts["name"],
            "topic": facts["item"],
            "when": {"day": facts["day"], "time": facts["time"]},
            "amount": facts["amount"] if rng.random() < 0.5 else None,
        }
    if rng.random() < 0.3:
        found["tags"] = [business.kind, business.language.code, "follow-up ☎️"]
    return found
